/* unix-client PATH TEXT: sends a line to a unix stream socket and prints the line that comes back.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char reply[256];
  if (argc != 3 || strlen(argv[1]) >= sizeof address.sun_path)
    return 2;
  strcpy(address.sun_path, argv[1]);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    perror(argv[1]);
    return 1;
  }
  dprintf(fd, "%s\n", argv[2]);
  ssize_t length = read(fd, reply, sizeof reply);
  return length > 0 && write(STDOUT_FILENO, reply, (size_t)length) == length ? 0 : 1;
}
