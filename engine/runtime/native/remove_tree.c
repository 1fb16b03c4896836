/* gantry-shim remove-tree PATH: recursive removal that never follows a link and never enters a
 * mount. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "archive.h"
#include "commands.h"
#include "descriptor.h"
#include "rooted.h"

static int remove_tree(char *path, struct error *err) {
  char *slash = strrchr(path, '/');
  if (*path != '/' || slash[1] == '\0' || strcmp(slash + 1, "..") == 0)
    return error_set(err, EINVAL, "remove %.256s", path);
  *slash = '\0';
  autoclose int parent = open(slash == path ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0)
    return errno == ENOENT ? 0 : error_set(err, errno, "open %.256s", path);
  return rooted_remove(parent, slash + 1, err);
}

int remove_tree_main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: gantry-shim remove-tree ABSOLUTE-PATH\n");
    return 2;
  }
  struct error err = {0};
  return remove_tree(argv[1], &err) < 0 ? archive_fail(&err) : 0;
}
