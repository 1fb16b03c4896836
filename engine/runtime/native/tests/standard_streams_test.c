#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "standard_streams.h"
#include "test.h"

static bool is_null_device(int fd) {
  struct stat null, status;
  return stat("/dev/null", &null) == 0 && fstat(fd, &status) == 0 &&
         status.st_rdev == null.st_rdev && !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* In a child, which has no streams of the tests to lose: those in `closed` (a mask) are closed. */
static bool silences_without(int closed) {
  pid_t child = fork();
  if (child == 0) {
    struct error err = {0};
    for (int fd = 0; fd < 3; fd++) {
      if (closed & 1 << fd)
        close(fd);
    }
    bool silent = standard_streams_silence(&err) == 0;
    for (int fd = 0; fd < 3; fd++)
      silent = silent && is_null_device(fd);
    _exit(silent ? 0 : 1);
  }
  int status;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void silences_all(void) {
  for (int closed = 0; closed < 8; closed++)
    CHECK(silences_without(closed));
}

const struct test_case standard_streams_tests[] = {
    {"standard streams are the null device, whichever were closed before", silences_all},
    {0},
};
