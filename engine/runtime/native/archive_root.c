#include "archive_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "archive_tree.h"
#include "descriptor.h"
#include "filesystem.h"
#include "layer_mount.h"
#include "overlay_mount.h"
#include "resolve.h"
#include "rooted.h"
#include "user_namespace.h"

static int parse_pid(const char *text, int *pid, struct error *err) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno || *end || value <= 0 || value > INT32_MAX)
    return error_set(err, 0, "invalid pid %.32s", text);
  *pid = (int)value;
  return 0;
}

int archive_root_parse(int argc, char **argv, struct archive_root_options *options,
                       struct error *err) {
  *options = (struct archive_root_options){0};
  options->lower = calloc((size_t)argc, sizeof *options->lower);
  options->binds = calloc((size_t)argc, sizeof *options->binds);
  if (!options->lower || !options->binds)
    return error_set(err, ENOMEM, "arguments");
  int i = 1;
  while (i < argc && strncmp(argv[i], "--", 2) == 0) {
    const char *option = argv[i++];
    int left = argc - i;
    if (strcmp(option, "--read-only") == 0) {
      options->readonly = true;
    } else if (strcmp(option, "--pid") == 0 && left >= 1) {
      if (parse_pid(argv[i++], &options->pid, err) < 0)
        return -1;
    } else if (strcmp(option, "--directory") == 0 && left >= 1) {
      options->directory = argv[i++];
    } else if (strcmp(option, "--lower") == 0 && left >= 1) {
      options->lower[options->lower_count++] = argv[i++];
    } else if (strcmp(option, "--upper") == 0 && left >= 1) {
      options->upper = argv[i++];
    } else if (strcmp(option, "--work") == 0 && left >= 1) {
      options->work = argv[i++];
    } else if (strcmp(option, "--bind") == 0 && left >= 3) {
      options->binds[options->bind_count++] = (struct archive_bind){
          .source = argv[i], .target = argv[i + 1], .readonly = strcmp(argv[i + 2], "ro") == 0};
      i += 3;
    } else {
      return error_set(err, 0, "unknown or incomplete option %.64s", option);
    }
  }
  if (options->pid == 0 && options->lower_count == 0 && !options->directory)
    return error_set(err, 0, "none of --pid, --lower and --directory given");
  return i;
}

/* Identity of this process's mount namespace, read through the host's procfs. */
static int mount_namespace(int proc, struct stat *status) {
  return fstatat(proc, "self/ns/mnt", status, 0);
}

/* A container with owners of its own: as its root, so that what is made there is its own, too. */
static int enter_user_namespace(int proc, int process, int pid, struct error *err) {
  char path[64];
  snprintf(path, sizeof path, "%d/ns/user", pid);
  struct stat ours, theirs;
  if (fstatat(proc, "self/ns/user", &ours, 0) < 0 || fstatat(proc, path, &theirs, 0) < 0)
    return error_set(err, errno, "open process %d", pid);
  if (ours.st_ino == theirs.st_ino)
    return 0;
  if (setns(process, CLONE_NEWUSER) < 0)
    return error_set(err, errno, "enter the user namespace of process %d", pid);
  return user_namespace_become_root(err);
}

static int enter_namespace(int pid, struct error *err) {
  autoclose int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  autoclose int process = (int)syscall(SYS_pidfd_open, pid, 0);
  struct stat before, after;
  if (proc < 0 || process < 0 || mount_namespace(proc, &before) < 0)
    return error_set(err, errno, "open process %d", pid);
  if (enter_user_namespace(proc, process, pid, err) < 0)
    return -1;
  /* The whole switch: root and current directory become those of the namespace. */
  if (setns(process, CLONE_NEWNS) < 0)
    return error_set(err, errno, "enter the mount namespace of process %d", pid);
  /* SECURITY: the container may have ended and its pid be a host process by now: never work on the
   * host's root. */
  if (mount_namespace(proc, &after) < 0 || before.st_ino == after.st_ino)
    return error_set(err, ESRCH, "process %d is not in a container", pid);
  int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? error_set(err, errno, "open the container's root") : root;
}

/* Appends `name=/proc/self/fd/N`: short, and free of ":" and "," whatever the path holds. The fd
 * stays open. */
static int add_layer(char *data, size_t size, const char *prefix, const char *path,
                     struct error *err) {
  int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return error_set(err, errno, "open %.256s", path);
  size_t length = strlen(data);
  int added = snprintf(data + length, size - length, "%s/proc/self/fd/%d", prefix, fd);
  if (added < 0 || (size_t)added >= size - length)
    return error_set(err, E2BIG, "mount the container's layers");
  return 0;
}

/* The way of kernels before 6.5: mount(2) takes one page of options. */
static int mount_layers_by_options(const struct archive_root_options *options, bool writable,
                                   struct error *err) {
  char data[4096] = "";
  const char *prefix = "lowerdir=";
  const char *place = options->upper ? options->upper : options->lower[0];
  if (!writable && options->upper) {
    if (add_layer(data, sizeof data, prefix, options->upper, err) < 0)
      return -1;
    prefix = ":";
  }
  for (size_t i = 0; i < options->lower_count; i++, prefix = ":") {
    if (add_layer(data, sizeof data, prefix, options->lower[i], err) < 0)
      return -1;
  }
  if (writable && (add_layer(data, sizeof data, ",upperdir=", options->upper, err) < 0 ||
                   add_layer(data, sizeof data, ",workdir=", options->work, err) < 0))
    return -1;
  if (mount("overlay", place, "overlay", 0, data) < 0)
    return error_set(err, errno, "mount the container's layers");
  int root = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? error_set(err, errno, "open the container's root") : root;
}

/*
 * Reading needs no upper directory: with everything as a lower one nothing is written, and the
 * unmount does not sync the file system.
 */
static int mount_layers(const struct archive_root_options *options, bool writable,
                        struct error *err) {
  const char **lower = calloc(options->lower_count + 1, sizeof *lower);
  if (!lower)
    return error_set(err, ENOMEM, "layers");
  size_t count = 0;
  if (!writable && options->upper)
    lower[count++] = options->upper;
  for (size_t i = 0; i < options->lower_count; i++)
    lower[count++] = options->lower[i];
  const struct plan_strings lowers = {lower, count};
  const struct overlay_layers layers = {.lower = &lowers,
                                        .upper = writable ? options->upper : NULL,
                                        .work = writable ? options->work : NULL};
  autoclose int mount = overlay_open(&layers, err);
  free(lower);
  if (mount < 0 && err->number == EINVAL)
    return mount_layers_by_options(options, writable, err);
  if (mount < 0)
    return error_wrap(err, "mount the container's layers");
  char place[PATH_MAX];
  snprintf(place, sizeof place, "%s", options->upper ? options->upper : options->lower[0]);
  if (layer_is_image(place))
    *strrchr(place, '/') = '\0'; /* any directory of ours does */
  autoclose int target = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (target < 0)
    return error_set(err, errno, "open %.256s", place);
  return mount_attach(mount, target, err) < 0 ? -1 : take_fd(&mount);
}

static int mount_bind(int root, int source, const struct archive_bind *bind, struct error *err) {
  struct stat status;
  if (fstat(source, &status) < 0)
    return error_set(err, errno, "%.256s", bind->source);
  autoclose int target = resolve_or_create(root, bind->target, !S_ISDIR(status.st_mode), true, err);
  if (target < 0)
    return -1;
  if ((bind->readonly && mount_restrict(source, MOUNT_ATTR_RDONLY, true, err) < 0) ||
      mount_attach(source, target, err) < 0)
    return error_wrap(err, "mount %.256s", bind->target);
  return 0;
}

static int build_namespace(const struct archive_root_options *options, bool writable,
                           struct error *err) {
  /* Private before anything is mounted: no mount of ours may reach the host. */
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return error_set(err, errno, "make a mount namespace");
  autoclose int root = mount_layers(options, writable, err);
  if (root < 0)
    return -1;
  for (size_t i = 0; i < options->bind_count; i++) {
    const struct archive_bind *bind = &options->binds[i];
    autoclose int source = (int)syscall(SYS_open_tree, AT_FDCWD, bind->source,
                                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    /* A bind whose source is gone: the container could not start, its other files are still there.
     */
    if (source < 0 && errno == ENOENT)
      continue;
    if (source < 0)
      return error_set(err, errno, "open %.256s", bind->source);
    if (mount_bind(root, source, bind, err) < 0)
      return -1;
  }
  if (options->readonly && mount_restrict(root, MOUNT_ATTR_RDONLY, false, err) < 0)
    return -1;
  return fcntl(root, F_DUPFD_CLOEXEC, 0);
}

void archive_raise_file_limit(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

int archive_root_open(const struct archive_root_options *options, bool writable,
                      struct error *err) {
  /* SECURITY: 2019-5736: nothing in the container may look into this process. */
  if (prctl(PR_SET_DUMPABLE, 0) < 0)
    return error_set(err, errno, "prctl");
  archive_raise_file_limit();
  if (options->pid)
    return enter_namespace(options->pid, err);
  if (options->directory) {
    int root = open(options->directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return root < 0 ? error_set(err, errno, "open %.256s", options->directory) : root;
  }
  return build_namespace(options, writable && options->upper && options->work, err);
}

int archive_open_parent(int root, const char *path, int flags, char leaf[NAME_MAX + 1],
                        struct error *err) {
  const char *slash = strrchr(path, '/');
  char parent[PATH_MAX];
  if (strlen(slash + 1) > NAME_MAX || (size_t)(slash - path) + 2 > sizeof parent)
    return error_set(err, ENAMETOOLONG, "%.256s", path);
  strcpy(leaf, slash[1] ? slash + 1 : ".");
  *(char *)mempcpy(parent, path, (size_t)(slash - path) + 1) = '\0';
  int fd = rooted_open(root, parent, flags | O_DIRECTORY, 0, ROOTED_IN_ROOT);
  return fd < 0 ? error_set(err, errno, "%.256s", path) : fd;
}

/* Which of the two is read-only decides what the user has to change. */
int archive_check_writable(int root, int directory, struct error *err) {
  struct statvfs status;
  uint64_t root_mount, mount;
  if (fstatvfs(directory, &status) < 0 || rooted_mount_id(root, &root_mount) < 0 ||
      rooted_mount_id(directory, &mount) < 0)
    return error_set(err, errno, "destination");
  if (archive_is_kernel_file(directory))
    return error_set(err, EROFS,
                     "the destination shows the kernel's state, files cannot be put there");
  if (!(status.f_flag & ST_RDONLY))
    return 0;
  err->number = EROFS;
  snprintf(err->message, sizeof err->message, "%s",
           root_mount == mount ? "container rootfs is marked read-only"
                               : "mounted volume is marked read-only");
  return -1;
}
