/* For tests: `sctp-peer serve PORT` answers each association's message with "PORT: message";
 * `sctp-peer ask ADDRESS PORT MESSAGE` prints the answer. Node has no SCTP sockets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int serve(int fd, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 8) < 0)
    return fail("listen");
  for (;;) {
    char question[512] = "", reply[600];
    int peer = accept(fd, NULL, NULL);
    if (peer < 0)
      return fail("accept");
    if (recv(peer, question, sizeof question - 1, 0) > 0) {
      int length = snprintf(reply, sizeof reply, "%s: %s", port, question);
      send(peer, reply, (size_t)length, MSG_NOSIGNAL);
    }
    close(peer);
  }
}

static int ask(int fd, const char *host, const char *port, const char *message) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  char reply[600] = "";
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
    return 2;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    return fail("connect");
  if (send(fd, message, strlen(message), MSG_NOSIGNAL) < 0)
    return fail("send");
  if (recv(fd, reply, sizeof reply - 1, 0) <= 0)
    return fail("recv");
  puts(reply);
  return 0;
}

int main(int argc, char **argv) {
  int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
  if (fd < 0)
    return fail("socket");
  if (argc == 3 && strcmp(argv[1], "serve") == 0)
    return serve(fd, argv[2]);
  if (argc == 5 && strcmp(argv[1], "ask") == 0)
    return ask(fd, argv[2], argv[3], argv[4]);
  return 2;
}
