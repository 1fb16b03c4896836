/*
 * gantry-shim layer-tar DIRECTORY: an overlay upper directory as a layer tar on stdout.
 * gantry-shim layer-facts DIRECTORY: what that tar is, as a line of JSON, without writing it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "archive_tree.h"
#include "commands.h"
#include "descriptor.h"
#include "sha256.h"
#include "tar_writer.h"

static int write_layer(struct tar_writer *writer, const char *path, struct error *err) {
  autoclose int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    return error_set(err, errno, "open %.256s", path);
  archive_raise_file_limit();
  if (archive_layer(writer, directory, err) < 0)
    return -1;
  return tar_writer_finish(writer, err);
}

static int layer_tar(const char *path, struct error *err) {
  struct tar_writer writer;
  if (tar_writer_open(&writer, STDOUT_FILENO, err) < 0)
    return -1;
  int result = write_layer(&writer, path, err);
  tar_writer_close(&writer);
  return result;
}

static int layer_facts(const char *path, struct error *err) {
  struct tar_writer writer;
  struct sha256 hash;
  char digest[SHA256_HEX];
  if (tar_writer_open(&writer, -1, err) < 0)
    return -1;
  sha256_start(&hash);
  writer.hash = &hash;
  int result = write_layer(&writer, path, err);
  sha256_finish(&hash, digest);
  if (result == 0)
    printf("{\"diffId\":\"sha256:%s\",\"tarBytes\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", digest,
           writer.bytes, writer.content);
  tar_writer_close(&writer);
  return result == 0 && fflush(stdout) != 0 ? error_set(err, errno, "write") : result;
}

int layer_tar_main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: gantry-shim layer-tar|layer-facts DIRECTORY\n");
    return 2;
  }
  struct error err = {0};
  bool facts = strcmp(argv[0], "layer-facts") == 0;
  int result = facts ? layer_facts(argv[1], &err) : layer_tar(argv[1], &err);
  return result < 0 ? archive_fail(&err) : 0;
}
