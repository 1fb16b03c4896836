#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "copy_tree.h"
#include "descriptor.h"
#include "filesystem.h"
#include "mount_source.h"
#include "mounts.h"
#include "resolve.h"
#include "rooted.h"

static bool is_below(const char *path, const char *parent) {
  size_t length = strlen(parent);
  return strncmp(path, parent, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static int is_procfs(int fd, struct error *err) {
  struct statfs filesystem;
  if (fstatfs(fd, &filesystem) < 0)
    return error_set(err, errno, "statfs");
  return filesystem.f_type == PROC_SUPER_MAGIC;
}

/*
 * SECURITY: 2019-16884, 2025-52881. What is mounted onto procfs could fake what the runtime and
 * LSMs write to; only files that lxcfs provides are accepted, and the target's filesystem is asked,
 * not its path. /proc itself takes procfs alone.
 */
static int refuse_proc_target(const struct plan_mount *mount, int target, int source,
                              struct error *err) {
  static const char *const allowed[] = {"cpuinfo", "diskstats", "meminfo",  "stat",   "swaps",
                                        "uptime",  "loadavg",   "slabinfo", "net/dev"};
  char clean[PATH_MAX];
  int target_is = is_procfs(target, err), source_is = is_procfs(source, err);
  if (target_is < 0 || source_is < 0 || rooted_clean(mount->target, clean, err) < 0)
    return error_wrap(err, "%s", mount->target);
  if (source_is && strcmp(clean, "proc") == 0)
    return 0;
  if (!target_is && strcmp(clean, "proc") != 0)
    return 0;
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
    if (is_below(clean, "proc") && clean[4] == '/' && strcmp(clean + 5, allowed[i]) == 0)
      return 0;
  }
  return error_set(err, EPERM, "%s is inside /proc, which cannot be mounted over", mount->target);
}

/* Of a part of the source only the kernel knows what it is. */
static bool is_file(const struct plan_mount *mount, int source) {
  struct stat stat;
  if (mount->subpath[0] != '\0' && fstat(source, &stat) == 0)
    return !S_ISDIR(stat.st_mode);
  return mount->options & MOUNT_CREATE_FILE;
}

static int set_propagation(const struct plan_mount *mount, int fd, struct error *err) {
  struct mount_attr propagation = {.propagation = mount->propagation & ~(uint32_t)MS_REC};
  unsigned flags = AT_EMPTY_PATH | (mount->propagation & MS_REC ? AT_RECURSIVE : 0);
  return mount_setattr(fd, "", flags, &propagation, sizeof propagation) < 0
             ? error_set(err, errno, "set propagation of %s", mount->target)
             : 0;
}

/* Of a bind, or of an image. */
static int apply_source(const struct plan_mount *mount, int source, int root, struct error *err) {
  bool recursive = mount->options & MOUNT_RECURSIVE;
  bool below = mount->options & MOUNT_READONLY_RECURSIVE;
  bool file = is_file(mount, source);
  autoclose int target = resolve_or_create(root, mount->target, file, true, err);
  if (target < 0 || refuse_proc_target(mount, target, source, err) < 0)
    return -1;
  if (set_propagation(mount, source, err) < 0)
    return -1;
  if (mount_restrict(source, mount->attributes, recursive, err) < 0)
    return -1;
  if (mount->options & MOUNT_READONLY &&
      mount_restrict(source, MOUNT_ATTR_RDONLY, recursive && below, err) < 0)
    return -1;
  return mount_attach(source, target, err);
}

/* SECURITY: 2026-41579. An image whose /dev, /proc or /sys is a symlink must not redirect what we
 * mount there. */
static bool may_follow(const struct plan_mount *mount) {
  return !is_below(mount->target, "/dev") && !is_below(mount->target, "/proc") &&
         !is_below(mount->target, "/sys");
}

static int apply_filesystem(const struct plan_mount *mount, const struct rootfs_sources *sources,
                            int root, struct error *err) {
  bool follow = may_follow(mount);
  bool keep_mode = mount->options & MOUNT_KEEP_MODE;
  struct stat covered;
  autoclose int existing = keep_mode ? resolve(root, mount->target, O_PATH, follow) : -1;
  keep_mode = existing >= 0 && fstat(existing, &covered) == 0;
  autoclose int target = resolve_or_create(root, mount->target, false, follow, err);
  if (target < 0)
    return -1;
  if (strcmp(mount->type, "devpts") == 0 && sources->devpts >= 0)
    return mount_attach(sources->devpts, target, err);
  bool copy_up = mount->options & MOUNT_COPY_UP;
  /* Read-only comes last where the mount is filled or changed first. */
  bool changes = copy_up || keep_mode;
  uint32_t early = changes ? mount->attributes & ~(uint32_t)MOUNT_ATTR_RDONLY : mount->attributes;
  autoclose int fresh =
      filesystem_mount_source(mount->type, mount->source, mount->data, early, err);
  if (fresh < 0 || refuse_proc_target(mount, target, fresh, err) < 0)
    return -1;
  if (keep_mode && fchmodat(fresh, ".", covered.st_mode & 07777, 0) < 0)
    return error_set(err, errno, "set the mode of %s", mount->target);
  if (copy_up && copy_tree(target, fresh, err) < 0)
    return -1;
  if (early != mount->attributes && mount_restrict(fresh, MOUNT_ATTR_RDONLY, false, err) < 0)
    return -1;
  if (set_propagation(mount, fresh, err) < 0)
    return -1;
  return mount_attach(fresh, target, err);
}

/* With the host's cgroup namespace Docker shows a container its own directory of each hierarchy. */
static int open_own_cgroup(const struct plan_cgroup *cgroup, const char *host_mount,
                           struct error *err) {
  for (size_t i = 0; i < cgroup->join.count; i++) {
    const char *file = cgroup->join.items[i], *slash = strrchr(file, '/');
    if (!is_below(file, host_mount) || !slash)
      continue;
    char directory[4096];
    snprintf(directory, sizeof directory, "%.*s", (int)(slash - file), file);
    int fd = open_tree(AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return fd < 0 ? error_set(err, errno, "open %s", directory) : fd;
  }
  return error_set(err, ENOENT, "no cgroup below %s", host_mount);
}

static int open_hierarchy(const struct container_plan *plan, const struct plan_hierarchy *hierarchy,
                          uint32_t attributes, struct error *err) {
  if (plan->namespaces.cgroup.kind == NAMESPACE_HOST) {
    int fd = open_own_cgroup(&plan->cgroup, hierarchy->host_mount, err);
    if (fd >= 0 && mount_restrict(fd, attributes, false, err) < 0)
      close_fd(&fd);
    return fd;
  }
  const char *type = hierarchy->options[0] ? "cgroup" : "cgroup2";
  return filesystem_mount(type, hierarchy->options, attributes, err);
}

/* SECURITY: 2022-0492. The hierarchies are read-only, nosuid, nodev, noexec unless the plan says
 * writable. */
static int apply_cgroup_v1(const struct container_plan *plan, const struct plan_mount *mount,
                           int root, struct error *err) {
  uint32_t locked = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  uint32_t readonly = mount->options & MOUNT_READONLY ? MOUNT_ATTR_RDONLY : 0;
  autoclose int target = resolve_or_create(root, mount->target, false, false, err);
  if (target < 0)
    return -1;
  autoclose int top = filesystem_mount("tmpfs", "mode=755", locked, err);
  if (top < 0 || mount_attach(top, target, err) < 0)
    return -1;
  for (size_t i = 0; i < mount->hierarchies.count; i++) {
    const struct plan_hierarchy *hierarchy = &mount->hierarchies.items[i];
    /* The tmpfs is new and nobody else sees it yet: found at once, without a look at every part. */
    mkdirat(top, hierarchy->name, 0755);
    autoclose int directory = resolve_or_create(top, hierarchy->name, false, false, err);
    autoclose int view =
        directory < 0 ? -1 : open_hierarchy(plan, hierarchy, locked | readonly, err);
    if (view < 0 || mount_attach(view, directory, err) < 0)
      return error_wrap(err, "cgroup hierarchy %s", hierarchy->name);
  }
  for (size_t i = 0; i < mount->symlinks.count; i++) {
    const struct plan_pair *link = &mount->symlinks.items[i];
    if (symlinkat(link->value, top, link->name) < 0)
      return error_set(err, errno, "symlink %s", link->name);
  }
  return mount_restrict(top, readonly, false, err);
}

/*
 * A source that was not opened early: of an OCI container whose root is private, whose binds are
 * not meant to reach the host. Then mountinfo, which lists by age, has the order of config.json.
 */
static int open_late(const struct plan_mount *mount, int early, int *late, struct error *err) {
  *late = -1;
  return early >= 0 ? 0 : mount_source_open(mount, NULL, late, err);
}

int mounts_apply(const struct container_plan *plan, const struct rootfs_sources *sources, int root,
                 struct error *err) {
  for (size_t i = 0; i < plan->mounts.count; i++) {
    const struct plan_mount *mount = &plan->mounts.items[i];
    autoclose int late = -1;
    if (open_late(mount, sources->mounts[i], &late, err) < 0)
      return error_stage(err, "mount");
    int source = late >= 0 ? late : sources->mounts[i];
    int result = source >= 0                      ? apply_source(mount, source, root, err)
                 : mount->kind == MOUNT_CGROUP_V1 ? apply_cgroup_v1(plan, mount, root, err)
                                                  : apply_filesystem(mount, sources, root, err);
    if (result < 0) {
      error_wrap(err, "mount %s", mount->target);
      return error_stage(err, "mount");
    }
  }
  return 0;
}

/* SECURITY: 2025-31133. Files are masked with the host's null device, checked, never with the
 * container's node. */
static int open_null(struct error *err) {
  autoclose int null = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat stat;
  if (null < 0 || fstat(null, &stat) < 0)
    return error_set(err, errno, "open /dev/null");
  if (!S_ISCHR(stat.st_mode) || stat.st_rdev != makedev(1, 3))
    return error_set(err, ENODEV, "/dev/null is not the null device");
  return take_fd(&null);
}

/* Directories share one empty read-only tmpfs: each superblock more would cost at exit. */
static int mask(int target, int null, int *empty, struct error *err) {
  struct stat stat;
  if (fstat(target, &stat) < 0)
    return error_set(err, errno, "stat");
  if (S_ISDIR(stat.st_mode) && *empty < 0) {
    *empty = filesystem_mount("tmpfs", "mode=0755,size=0k", MOUNT_ATTR_RDONLY, err);
    return *empty < 0 ? -1 : mount_attach(*empty, target, err);
  }
  autoclose int cover = mount_clone(S_ISDIR(stat.st_mode) ? *empty : null, false, err);
  return cover < 0 ? -1 : mount_attach(cover, target, err);
}

static int make_readonly(int target, struct error *err) {
  autoclose int clone = mount_clone(target, true, err);
  if (clone < 0 || mount_restrict(clone, MOUNT_ATTR_RDONLY, true, err) < 0)
    return -1;
  return mount_attach(clone, target, err);
}

int mounts_protect(const struct container_plan *plan, int root, struct error *err) {
  autoclose int null = open_null(err);
  autoclose int empty = -1;
  if (null < 0)
    return -1;
  for (size_t i = 0; i < plan->readonly_paths.count; i++) {
    autoclose int target = resolve(root, plan->readonly_paths.items[i], O_PATH, true);
    if (target < 0 && errno != ENOENT && errno != ENOTDIR)
      return error_set(err, errno, "resolve %s", plan->readonly_paths.items[i]);
    if (target >= 0 && make_readonly(target, err) < 0)
      return error_wrap(err, "make %s read-only", plan->readonly_paths.items[i]);
  }
  for (size_t i = 0; i < plan->masked_paths.count; i++) {
    autoclose int target = resolve(root, plan->masked_paths.items[i], O_PATH, true);
    if (target < 0 && errno != ENOENT && errno != ENOTDIR)
      return error_set(err, errno, "resolve %s", plan->masked_paths.items[i]);
    if (target >= 0 && mask(target, null, &empty, err) < 0)
      return error_wrap(err, "mask %s", plan->masked_paths.items[i]);
  }
  return 0;
}
