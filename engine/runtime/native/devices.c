#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "descriptor.h"
#include "devices.h"
#include "filesystem.h"
#include "resolve.h"
#include "user_namespace.h"

/* The host's node of these numbers: by the same name, else where udev keeps the numbers. */
static int open_host_node(const struct plan_device *device) {
  char by_number[64];
  snprintf(by_number, sizeof by_number, "/dev/%s/%u:%u", device->type == S_IFBLK ? "block" : "char",
           device->major, device->minor);
  const char *const paths[] = {device->path, by_number};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    struct stat stat;
    int node = open(paths[i], O_PATH | O_CLOEXEC);
    if (node >= 0 && fstat(node, &stat) == 0 && (stat.st_mode & S_IFMT) == device->type &&
        stat.st_rdev == makedev(device->major, device->minor))
      return node;
    close_fd(&node);
  }
  errno = ENOENT;
  return -1;
}

/* In a user namespace no node can be made: the host's own is bound, with the rights that its user
 * has on it. The path leads through the host's root, before pivot_root. */
static int bind_node(const struct plan_device *device, int parent, const char *name,
                     struct error *err) {
  autoclose int node = open_host_node(device);
  if (node < 0)
    return error_set(err, errno, "device %s: no such node below the host's /dev", device->path);
  autoclose int target = resolve_or_create(parent, name, true, false, err);
  autoclose int clone = target < 0 ? -1 : mount_clone(node, false, err);
  return clone < 0 ? -1 : mount_attach(clone, target, err);
}

static int create_node(const struct plan_device *device, int root, struct error *err) {
  char clean[PATH_MAX];
  const char *name;
  /* SECURITY: 2026-41579. Everything below /dev goes through a descriptor of the directory. */
  autoclose int parent = resolve_parent(root, device->path, clean, &name, err);
  if (parent < 0)
    return -1;
  if (user_namespace_is_child())
    return bind_node(device, parent, name, err);
  if (mknodat(parent, name, device->type | device->mode, makedev(device->major, device->minor)) <
      0) {
    struct stat stat;
    if (errno != EEXIST || fstatat(parent, name, &stat, AT_SYMLINK_NOFOLLOW) < 0 ||
        (stat.st_mode & S_IFMT) != device->type ||
        stat.st_rdev != makedev(device->major, device->minor))
      return error_set(err, errno ? errno : EEXIST, "device %s", device->path);
  }
  if (fchownat(parent, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
      fchmodat(parent, name, device->mode, 0) < 0)
    return error_set(err, errno, "device %s", device->path);
  return 0;
}

static int create_symlinks(int dev, struct error *err) {
  static const char *const links[][2] = {
      {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
      {"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},      {"ptmx", "pts/ptmx"},
  };
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    if (symlinkat(links[i][1], dev, links[i][0]) < 0 && errno != EEXIST)
      return error_set(err, errno, "symlink /dev/%s", links[i][0]);
  }
  return 0;
}

/*
 * SECURITY: 2025-52565. The console is the peer that the supervisor took from its own devpts by
 * TIOCGPTPEER; it is bound by descriptor, before any code of the container runs.
 */
static int bind_console(int dev, int console, struct error *err) {
  struct statfs filesystem;
  if (fstatfs(console, &filesystem) < 0 || filesystem.f_type != DEVPTS_SUPER_MAGIC)
    return error_set(err, ENOTTY, "the console is not a terminal of devpts");
  autoclose int target = resolve_or_create(dev, "console", true, false, err);
  if (target < 0)
    return -1;
  autoclose int clone = mount_clone(console, false, err);
  return clone < 0 ? -1 : mount_attach(clone, target, err);
}

static bool has_own_dev(const struct container_plan *plan) {
  for (size_t i = 0; i < plan->mounts.count; i++) {
    const struct plan_mount *mount = &plan->mounts.items[i];
    if (mount->kind == MOUNT_BIND && strcmp(mount->target, "/dev") == 0)
      return true;
  }
  return false;
}

int devices_create(const struct container_plan *plan, int root, int console, struct error *err) {
  if (has_own_dev(plan))
    return 0;
  autoclose int dev = resolve_or_create(root, "/dev", false, false, err);
  if (dev < 0)
    return error_stage(err, "devices");
  for (size_t i = 0; i < plan->devices.count; i++) {
    if (create_node(&plan->devices.items[i], root, err) < 0)
      return error_stage(err, "devices");
  }
  if (create_symlinks(dev, err) < 0 || (console >= 0 && bind_console(dev, console, err) < 0))
    return error_stage(err, "devices");
  return 0;
}
