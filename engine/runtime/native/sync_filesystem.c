/* gantry-shim sync-filesystem DIRECTORY: everything written to its file system is on the disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "archive.h"
#include "commands.h"
#include "descriptor.h"

static int sync_filesystem(const char *path, struct error *err) {
  autoclose int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0 || syncfs(directory) < 0)
    return error_set(err, errno, "sync %.256s", path);
  return 0;
}

int sync_filesystem_main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: gantry-shim sync-filesystem DIRECTORY\n");
    return 2;
  }
  struct error err = {0};
  return sync_filesystem(argv[1], &err) < 0 ? archive_fail(&err) : 0;
}
