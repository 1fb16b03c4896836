#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "devices.h"
#include "filesystem.h"
#include "mount_source.h"
#include "mounts.h"
#include "overlay_mount.h"
#include "rootfs.h"
#include "user_namespace.h"

/* The mark of the last volatile mount would refuse the next one: a container that removes itself
 * can be restarted. */
static void forget_volatile_mount(const char *work) {
  char mark[PATH_MAX];
  if (snprintf(mark, sizeof mark, "%s/work/incompat/volatile/dirty", work) >= (int)sizeof mark)
    return;
  unlink(mark);
  *strrchr(mark, '/') = '\0';
  rmdir(mark);
}

static int open_root(const struct plan_rootfs *plan, const struct overlay_mapping *mapping,
                     struct error *err) {
  struct overlay_layers layers = {
      .lower = &plan->lower,
      .upper = plan->upper[0] ? plan->upper : NULL,
      .work = plan->work,
      .is_volatile = plan->is_volatile,
      .mapping = mapping,
  };
  return overlay_open(&layers, err);
}

/*
 * The way of older kernels, in PID 1 and hidden in its mount namespace: mount(2) takes one page of
 * options, so the layers are named by descriptor links.
 */
static int mount_overlay(const struct container_plan *plan, const char *target, struct error *err) {
  const struct plan_rootfs *rootfs = &plan->rootfs;
  char options[4096];
  size_t length = 0;
  for (size_t i = 0; i < rootfs->lower.count && length < sizeof options; i++) {
    int layer = open(rootfs->lower.items[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (layer < 0)
      return error_set(err, errno, "layer %s", rootfs->lower.items[i]);
    length += (size_t)snprintf(options + length, sizeof options - length, "%s/proc/self/fd/%d",
                               i == 0 ? "lowerdir=" : ":", layer);
  }
  int upper = open(rootfs->upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int work = open(rootfs->work, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (upper < 0 || work < 0)
    return error_set(err, errno, "writable layer %s", rootfs->upper);
  if (length < sizeof options)
    length += (size_t)snprintf(options + length, sizeof options - length,
                               ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d%s%s", upper,
                               work, rootfs->is_volatile ? ",volatile" : "",
                               user_namespace_is_child() ? ",userxattr" : "");
  if (length >= sizeof options)
    return error_set(err, E2BIG, "%zu layers", rootfs->lower.count);
  if (mount("overlay", target, "overlay", 0, options) < 0)
    return error_set(err, errno, "mount overlay");
  int root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? error_set(err, errno, "open the root") : root;
}

static int set_propagation(int mount, uint32_t propagation, struct error *err) {
  struct mount_attr change = {.propagation = propagation & ~(uint32_t)MS_REC};
  unsigned flags = AT_EMPTY_PATH | (propagation & MS_REC ? AT_RECURSIVE : 0);
  return mount_setattr(mount, "", flags, &change, sizeof change) < 0
             ? error_set(err, errno, "set the root's propagation")
             : 0;
}

/* A detached clone of the directory and what is mounted below it; a slave's master is the host's.
 */
static int open_directory(const struct container_plan *plan, uint32_t propagation,
                          struct error *err) {
  const char *path = plan->rootfs.lower.items[0];
  autoclose int root =
      open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (root < 0)
    return error_set(err, errno, "root %s", path);
  uint32_t kept = propagation & MS_SLAVE ? propagation : MS_REC | MS_PRIVATE;
  return set_propagation(root, kept, err) < 0 ? -1 : take_fd(&root);
}

int rootfs_open(const struct container_plan *plan, struct rootfs_sources *sources,
                struct error *err) {
  *sources = (struct rootfs_sources){
      .overlay = -1, .devpts = -1, .user_namespace = -1, .count = plan->mounts.count};
  sources->mounts = malloc((plan->mounts.count + 1) * sizeof *sources->mounts);
  if (!sources->mounts)
    return error_set(err, ENOMEM, "mounts");
  for (size_t i = 0; i < plan->mounts.count; i++)
    sources->mounts[i] = -1;
  if (plan->user.uid_map[0]) {
    sources->user_namespace = user_namespace_open(&plan->user, err);
    if (sources->user_namespace < 0)
      return -1;
  }
  struct overlay_mapping own = {sources->user_namespace, plan->user.root_uid, plan->user.root_gid};
  const struct overlay_mapping *mapping = sources->user_namespace < 0 ? NULL : &own;
  if (plan->rootfs.is_volatile)
    forget_volatile_mount(plan->rootfs.work);
  const struct plan_oci *oci = plan_oci(plan);
  bool opens_devpts = !oci || plan->process.tty;
  bool opens_sources =
      !oci || oci->root_propagation & (MS_SHARED | MS_SLAVE) || oci->user.kind != NAMESPACE_HOST;
  sources->overlay = oci ? open_directory(plan, oci->root_propagation, err)
                         : open_root(&plan->rootfs, mapping, err);
  if (sources->overlay < 0 && (oci || mapping || err->number != EINVAL))
    return error_stage(err, "rootfs");
  for (size_t i = 0; i < plan->mounts.count; i++) {
    const struct plan_mount *mount = &plan->mounts.items[i];
    if (mount->kind == MOUNT_FILESYSTEM && strcmp(mount->type, "devpts") == 0 && opens_devpts)
      sources->devpts = filesystem_mount("devpts", mount->data, mount->attributes, err);
    else if (opens_sources && mount_source_open(mount, mapping, &sources->mounts[i], err) < 0)
      return error_stage(err, "mount");
  }
  *err = (struct error){0};
  return 0;
}

void rootfs_close(struct rootfs_sources *sources) {
  close_fd(&sources->overlay);
  close_fd(&sources->devpts);
  close_fd(&sources->user_namespace);
  for (size_t i = 0; i < sources->count; i++)
    close_fd(&sources->mounts[i]);
  free(sources->mounts);
  *sources = (struct rootfs_sources){.overlay = -1, .devpts = -1, .user_namespace = -1};
}

int rootfs_mount(const struct container_plan *plan, int overlay, const char *directory,
                 struct error *err) {
  if (overlay < 0)
    return mount_overlay(plan, directory, err);
  autoclose int target = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (target < 0)
    return error_set(err, errno, "open %s", directory);
  if (mount_attach(overlay, target, err) < 0)
    return -1;
  return overlay;
}

/* pivot_root(".", "."): the old root ends up on top of the new one at `/` and is detached from
 * there. */
static int pivot(int root, struct error *err) {
  if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
    return error_set(err, errno, "pivot_root");
  if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
    return error_set(err, errno, "detach the old root");
  return 0;
}

/* For a root on the initial ramfs, which cannot be pivoted away (pivot_root(2)). */
static int move_to_top(int root, struct error *err) {
  if (fchdir(root) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
      chdir("/") < 0)
    return error_set(err, errno, "move the root");
  return 0;
}

int rootfs_attach(const struct container_plan *plan, const struct rootfs_sources *sources,
                  struct error *err) {
  /* Nothing that is mounted from here on may show up on the host. */
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
    error_set(err, errno, "make mounts private");
    return error_stage(err, "rootfs");
  }
  int root = rootfs_mount(plan, sources->overlay, plan->run_directory, err);
  return root < 0 ? error_stage(err, "rootfs") : root;
}

int rootfs_build(const struct container_plan *plan, const struct rootfs_sources *sources, int root,
                 int console, struct error *err) {
  if (mounts_apply(plan, sources, root, err) < 0 || devices_create(plan, root, console, err) < 0)
    return -1;
  return mounts_protect(plan, root, err) < 0 ? error_stage(err, "rootfs") : 0;
}

int rootfs_enter(const struct container_plan *plan, int root, struct error *err) {
  const struct plan_oci *oci = plan_oci(plan);
  int (*enter)(int, struct error *) = oci && oci->options & OCI_NO_PIVOT ? move_to_top : pivot;
  if (enter(root, err) < 0)
    return error_stage(err, "rootfs");
  /* Not before: pivot_root refuses shared mounts. Shared among the container's, not with the host.
   */
  if (!oci || !(oci->root_propagation & (MS_SHARED | MS_UNBINDABLE)))
    return 0;
  autoclose int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return set_propagation(top, oci->root_propagation, err) < 0 ? error_stage(err, "rootfs") : 0;
}

int rootfs_seal(const struct container_plan *plan, struct error *err) {
  struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
  if (!plan->rootfs.readonly || mount_setattr(AT_FDCWD, "/", 0, &readonly, sizeof readonly) == 0)
    return 0;
  error_set(err, errno, "make the root read-only");
  return error_stage(err, "rootfs");
}
