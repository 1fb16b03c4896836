#include "standard_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int standard_streams_silence(struct error *err) {
  int null = open("/dev/null", O_RDWR);
  if (null < 0)
    return error_set(err, errno, "open /dev/null");
  for (int fd = 0; fd < 3; fd++) {
    if (dup2(null, fd) < 0)
      return error_set(err, errno, "open /dev/null");
  }
  /* It is one of the three itself where one of them was closed. */
  if (null > STDERR_FILENO)
    close(null);
  return 0;
}
