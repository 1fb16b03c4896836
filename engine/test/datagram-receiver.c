/* For tests: binds the unix datagram socket argv[1] and writes what arrives to stdout, each
 * datagram preceded by its length in four bytes (little-endian). Node cannot receive these. */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
  static char data[1 << 18];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (argc != 2)
    return 2;
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
    return 1;
  uint32_t nothing = 0;
  if (write(1, &nothing, sizeof nothing) < 0) /* bound */
    return 1;
  for (;;) {
    ssize_t size = recv(fd, data, sizeof data, 0);
    uint32_t length = (uint32_t)size;
    if (size < 0 || write(1, &length, sizeof length) < 0 || write(1, data, length) < 0)
      return 1;
  }
}
