/* gantry-shim exchange-directories ONE OTHER: each takes the other's place, in one step and on the
 * disk when it ends. Their parents are the engine's own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "commands.h"
#include "descriptor.h"

static int open_parent(const char *path, struct error *err) {
  char parent[PATH_MAX];
  const char *slash = strrchr(path, '/');
  if (!slash || slash == path || (size_t)(slash - path) >= sizeof parent)
    return error_set(err, EINVAL, "exchange %.256s", path);
  *(char *)mempcpy(parent, path, (size_t)(slash - path)) = '\0';
  int fd = open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? error_set(err, errno, "open %.256s", parent) : fd;
}

static int exchange(const char *one, const char *other, struct error *err) {
  autoclose int first = open_parent(one, err);
  autoclose int second = first < 0 ? -1 : open_parent(other, err);
  if (second < 0)
    return -1;
  if (renameat2(first, strrchr(one, '/') + 1, second, strrchr(other, '/') + 1, RENAME_EXCHANGE) < 0)
    return error_set(err, errno, "exchange %.200s and %.200s", one, other);
  if (fsync(first) < 0 || fsync(second) < 0)
    return error_set(err, errno, "exchange %.256s", one);
  return 0;
}

int exchange_directories_main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: gantry-shim exchange-directories ONE OTHER\n");
    return 2;
  }
  struct error err = {0};
  return exchange(argv[1], argv[2], &err) < 0 ? archive_fail(&err) : 0;
}
