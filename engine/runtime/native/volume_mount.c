/*
 * gantry-shim mount-volume TYPE DEVICE TARGET FLAGS DATA: what a volume's options name is mounted
 * on its directory TARGET, as mount(2) would have it (FLAGS: the sum of MS_*).
 *
 * gantry-shim unmount-volume TARGET: the opposite, if anything is mounted there. Whoever still has
 * files open keeps them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "archive.h"
#include "commands.h"
#include "descriptor.h"
#include "filesystem.h"

#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

struct volume_mount {
  const char *type, *device, *target, *data;
  unsigned long flags;
};

/* The flags of mount(2) that a single mount has, not its file system. */
static uint32_t attributes_of(unsigned long flags) {
  static const struct {
    unsigned long flag;
    uint32_t attribute;
  } pairs[] = {
      {MS_RDONLY, MOUNT_ATTR_RDONLY},
      {MS_NOSUID, MOUNT_ATTR_NOSUID},
      {MS_NODEV, MOUNT_ATTR_NODEV},
      {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
      {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
      {MS_NOATIME, MOUNT_ATTR_NOATIME},
      {MS_STRICTATIME, MOUNT_ATTR_STRICTATIME},
  };
  uint32_t attributes = 0;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    attributes |= flags & pairs[i].flag ? pairs[i].attribute : 0;
  return attributes;
}

static int propagate(int mount, unsigned long flags, struct error *err) {
  struct mount_attr change = {.propagation = flags & PROPAGATION};
  unsigned recursive = flags & MS_REC ? AT_RECURSIVE : 0;
  if (change.propagation &&
      mount_setattr(mount, "", AT_EMPTY_PATH | recursive, &change, sizeof change) < 0)
    return error_set(err, errno, "change propagation");
  return 0;
}

/* Whole before it is visible: a read-only bind is never writable, not even for a moment. */
static int mount_bind(const struct volume_mount *volume, int target, struct error *err) {
  unsigned recursive = volume->flags & MS_REC ? AT_RECURSIVE : 0;
  autoclose int clone =
      open_tree(AT_FDCWD, volume->device, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
  if (clone < 0)
    return error_set(err, errno, "mount");
  if (mount_restrict(clone, attributes_of(volume->flags), false, err) < 0)
    return -1;
  /* The propagation that a shared target gives to what it gets comes with the attachment. */
  return mount_attach(clone, target, err) < 0 ? -1 : propagate(clone, volume->flags, err);
}

/* By mount(2): only it hands the options to the file system as they are, whatever their form. */
static int mount_filesystem(const struct volume_mount *volume, struct error *err) {
  if (mount(volume->device, volume->target, volume->type, volume->flags & ~PROPAGATION,
            volume->data) < 0)
    return error_set(err, errno, "mount");
  if (!(volume->flags & PROPAGATION))
    return 0;
  autoclose int fresh = open(volume->target, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fresh < 0 ? error_set(err, errno, "mount") : propagate(fresh, volume->flags, err);
}

static int mount_volume(const struct volume_mount *volume, struct error *err) {
  if (!(volume->flags & MS_BIND))
    return mount_filesystem(volume, err);
  autoclose int target = open(volume->target, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return target < 0 ? error_set(err, errno, "mount") : mount_bind(volume, target, err);
}

int mount_volume_main(int argc, char **argv) {
  char *end = NULL;
  struct volume_mount volume = {.flags = argc == 6 ? strtoul(argv[4], &end, 10) : 0};
  if (argc != 6 || *end) {
    fprintf(stderr, "usage: gantry-shim mount-volume TYPE DEVICE TARGET FLAGS DATA\n");
    return 2;
  }
  volume.type = argv[1];
  volume.device = argv[2];
  volume.target = argv[3];
  volume.data = argv[5];
  struct error err = {0};
  return mount_volume(&volume, &err) < 0 ? archive_fail(&err) : 0;
}

int unmount_volume_main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: gantry-shim unmount-volume TARGET\n");
    return 2;
  }
  struct error err = {0};
  /* EINVAL: nothing is mounted there. */
  if (umount2(argv[1], MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT)
    return 0;
  error_set(&err, errno, "umount %.256s", argv[1]);
  return archive_fail(&err);
}
