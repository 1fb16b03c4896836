/* gantry-shim clone-tree FROM TO: the directory TO, which is empty, becomes a copy of FROM. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "commands.h"
#include "copy_tree.h"
#include "descriptor.h"

static int clone_tree(const char *source, const char *target, struct error *err) {
  autoclose int from = open(source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0)
    return error_set(err, errno, "open %.256s", source);
  autoclose int to = open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (to < 0)
    return error_set(err, errno, "open %.256s", target);
  archive_raise_file_limit();
  return copy_tree(from, to, err) < 0 ? -1 : copy_attributes(from, to, err);
}

int clone_tree_main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: gantry-shim clone-tree FROM TO\n");
    return 2;
  }
  struct error err = {0};
  return clone_tree(argv[1], argv[2], &err) < 0 ? archive_fail(&err) : 0;
}
