/* gantry-shim extract-layer DIRECTORY: an uncompressed layer tar on stdin becomes overlay lower
 * content. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "archive.h"
#include "commands.h"
#include "descriptor.h"
#include "extract.h"
#include "rooted.h"

static int extract_layer(const char *path, struct extract_summary *summary, struct error *err) {
  const struct extract_options options = {.layer = true, .root = -1};
  autoclose int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    return error_set(err, errno, "open %.256s", path);
  if (extract_archive(STDIN_FILENO, directory, &options, summary, err) < 0)
    return -1;
  /* One sync of the file system instead of one per file: a layer is whole on disk before it gets
   * its name. */
  if (syncfs(directory) < 0)
    return error_set(err, errno, "sync %.256s", path);
  return 0;
}

int extract_main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: gantry-shim extract-layer DIRECTORY <TAR\n");
    return 2;
  }
  struct error err = {0};
  struct extract_summary summary;
  if (extract_layer(argv[1], &summary, &err) < 0)
    return archive_fail(&err);
  printf("{\"entries\":%llu,\"bytes\":%llu}\n", (unsigned long long)summary.entries,
         (unsigned long long)summary.bytes);
  return fflush(stdout) == 0 ? 0 : 1;
}
