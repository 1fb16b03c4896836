/* gantry-shim layer-tar DIRECTORY: an overlay upper directory as a layer tar on stdout. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "archive_tree.h"
#include "commands.h"
#include "descriptor.h"
#include "tar_writer.h"

static int layer_tar(const char *path, struct error *err) {
  autoclose int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    return error_set(err, errno, "open %.256s", path);
  archive_raise_file_limit();
  struct tar_writer writer;
  if (tar_writer_open(&writer, STDOUT_FILENO, err) < 0)
    return -1;
  int result = archive_layer(&writer, directory, err);
  if (result == 0)
    result = tar_writer_finish(&writer, err);
  tar_writer_close(&writer);
  return result;
}

int layer_tar_main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: gantry-shim layer-tar DIRECTORY >TAR\n");
    return 2;
  }
  struct error err = {0};
  return layer_tar(argv[1], &err) < 0 ? archive_fail(&err) : 0;
}
