/*
 * gantry-shim layer-probe DIRECTORY: what layers this machine and build can do, as a line of JSON:
 * which compressions layer-worker knows, and whether overlay takes an EROFS image that is a plain
 * file in DIRECTORY (Linux 6.12) as a detached mount (6.15). The file is removed again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "commands.h"
#include "decoder.h"
#include "descriptor.h"
#include "erofs_image.h"
#include "filesystem.h"
#include "layer_mount.h"
#include "user_namespace.h"

static int write_image(const char *path, struct error *err) {
  struct layer_inode root = {.mode = S_IFDIR | 0755};
  struct layer_tree tree = {.root = &root};
  autoclose int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0)
    return error_set(err, errno, "create %.256s", path);
  char digest[SHA256_HEX];
  return erofs_image_write(file, &tree, 0, digest, err);
}

static int lay_over(int layer, const char *directory, struct error *err) {
  char place[64];
  snprintf(place, sizeof place, "/proc/self/fd/%d", layer);
  autoclose int context = fsopen("overlay", FSOPEN_CLOEXEC);
  if (context < 0)
    return error_set(err, errno, "filesystem overlay");
  if (filesystem_set(context, "lowerdir+", place) < 0 ||
      filesystem_set(context, "lowerdir+", directory) < 0)
    return error_set(err, errno, "overlay");
  return filesystem_finish(context, "overlay", MOUNT_ATTR_RDONLY, err);
}

static int try_image(const char *directory, struct error *err) {
  char path[4096];
  if (user_namespace_is_child())
    return error_set(err, EPERM, "mount erofs in a user namespace");
  if (snprintf(path, sizeof path, "%s/probe.erofs", directory) >= (int)sizeof path)
    return error_set(err, ENAMETOOLONG, "%.64s...", directory);
  autoclose int layer = -1, overlay = -1;
  int result = write_image(path, err);
  if (result == 0)
    result = layer = layer_mount_open(path, err);
  if (result >= 0)
    result = overlay = lay_over(layer, directory, err);
  unlink(path);
  return result < 0 ? -1 : 0;
}

int layer_probe_main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: gantry-shim layer-probe DIRECTORY\n");
    return 2;
  }
  struct error err = {0};
  int images = try_image(argv[1], &err);
  printf("{\"gzip\":%s,\"zstd\":%s,\"images\":%s,\"reason\":",
         decoder_kind("gzip") < 0 ? "false" : "true", decoder_kind("zstd") < 0 ? "false" : "true",
         images == 0 ? "true" : "false");
  archive_json_string(stdout, err.message);
  printf("}\n");
  return fflush(stdout) == 0 ? 0 : 1;
}
