#include "layer_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "descriptor.h"
#include "filesystem.h"

bool layer_is_image(const char *path) {
  static const char suffix[] = "/layer.erofs";
  size_t length = strlen(path), end = sizeof suffix - 1;
  return length >= end && strcmp(path + length - end, suffix) == 0;
}

static int mount_image(const char *path, struct error *err) {
  autoclose int context = fsopen("erofs", FSOPEN_CLOEXEC);
  if (context < 0)
    return error_set(err, errno, "filesystem erofs");
  if (filesystem_set(context, "source", path) < 0)
    return error_set(err, errno, "layer %.256s", path);
  filesystem_set(context, "ro", NULL);
  return filesystem_finish(context, "erofs", MOUNT_ATTR_RDONLY, err);
}

int layer_mount_open(const char *path, struct error *err) {
  autoclose int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0)
    return error_set(err, errno, "layer %.256s", path);
  if (S_ISDIR(status.st_mode))
    return take_fd(&fd);
  if (!S_ISREG(status.st_mode))
    return error_set(err, ENOTDIR, "layer %.256s", path);
  return mount_image(path, err);
}
