/*
 * `send-datagrams PATH`: messages on stdin (u32 length, little-endian, then bytes) go as datagrams
 * to the unix socket PATH. After each read, the number of messages sent so far is written to stdout
 * as a u32; the first, 0, says that the socket is connected. Ends with stdin, or with status 1 and
 * the reason on stderr.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "commands.h"
#include "descriptor.h"
#include "frame.h"

enum { BUFFER = 1 << 20 };

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    int number = errno;
    close_fd(&fd);
    errno = number;
  }
  return fd;
}

static bool send_whole(int fd, const uint8_t *data, size_t size) {
  ssize_t count;
  do {
    count = send(fd, data, size, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count >= 0;
}

static bool report(uint32_t sent) {
  uint8_t bytes[4];
  store_u32(bytes, sent);
  return write(STDOUT_FILENO, bytes, sizeof bytes) == sizeof bytes;
}

static int fail(const char *path) {
  fprintf(stderr, "%s: %s\n", path, strerror(errno));
  return 1;
}

int send_datagrams_main(int argc, char **argv) {
  static uint8_t buffer[BUFFER];
  if (argc != 2) {
    fprintf(stderr, "usage: send-datagrams PATH\n");
    return 2;
  }
  autoclose int fd = connect_to(argv[1]);
  if (fd < 0 || !report(0))
    return fail(argv[1]);
  size_t used = 0;
  for (uint32_t sent = 0;;) {
    ssize_t count = read(STDIN_FILENO, buffer + used, sizeof buffer - used);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return count < 0 ? fail("stdin") : 0;
    used += (size_t)count;
    size_t done = 0;
    while (used - done >= 4) {
      size_t size = load_u32(buffer + done);
      if (size > sizeof buffer - 4) {
        errno = EMSGSIZE;
        return fail(argv[1]);
      }
      if (used - done - 4 < size)
        break;
      if (!send_whole(fd, buffer + done + 4, size))
        return fail(argv[1]);
      done += 4 + size;
      sent++;
    }
    used -= done;
    memmove(buffer, buffer + done, used);
    if (done > 0 && !report(sent))
      return 1;
  }
}
