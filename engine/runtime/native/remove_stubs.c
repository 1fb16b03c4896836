/*
 * gantry-shim remove-stubs UPPER PATH...: removes the empty files and directories that mounts were
 * laid over, in the order given. What something was written into meanwhile stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "commands.h"
#include "descriptor.h"
#include "rooted.h"

/* SECURITY: the tree was a container's: no link in it is followed. What is not as it was made is
 * left alone. */
static int remove_stub(int upper, const char *path, struct error *err) {
  char parent[PATH_MAX];
  if (rooted_clean(path, parent, err) < 0)
    return -1;
  char *slash = strrchr(parent, '/');
  const char *leaf = slash ? slash + 1 : parent;
  if (slash)
    *slash = '\0';
  autoclose int directory =
      rooted_open(upper, slash ? parent : ".", O_PATH | O_DIRECTORY, 0, ROOTED_STRICT);
  struct stat status;
  if (directory < 0 || fstatat(directory, leaf, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return 0;
  bool is_empty_file = S_ISREG(status.st_mode) && status.st_size == 0;
  if (!is_empty_file && !S_ISDIR(status.st_mode))
    return 0;
  if (unlinkat(directory, leaf, is_empty_file ? 0 : AT_REMOVEDIR) < 0 && errno != ENOTEMPTY)
    return error_set(err, errno, "remove %.256s", path);
  return 0;
}

static int remove_stubs(char **paths, struct error *err) {
  autoclose int upper = open(paths[0], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (upper < 0)
    return error_set(err, errno, "open %.256s", paths[0]);
  for (char **path = paths + 1; *path; path++) {
    if (remove_stub(upper, *path, err) < 0)
      return -1;
  }
  return 0;
}

int remove_stubs_main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: gantry-shim remove-stubs UPPER PATH...\n");
    return 2;
  }
  struct error err = {0};
  return remove_stubs(argv + 1, &err) < 0 ? archive_fail(&err) : 0;
}
