/*
 * A layer must be a mount of the caller's namespace to be taken by overlay (detached ones only
 * since 6.15), and so must be what a part is cloned of: a child makes a namespace of its own, puts
 * the layers there, mounts overlay over them, and leaves a detached clone of it in the supervisor's
 * descriptors, which it shares.
 */
#include "overlay_apart.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"
#include "filesystem.h"
#include "layer_mount.h"
#include "resolve.h"
#include "user_namespace.h"

/* A mount of the layer that nobody shares: its owners may be about to change. */
static int open_layer(const char *path, struct error *err) {
  autoclose int layer = layer_mount_open(path, err);
  if (layer < 0 || layer_is_image(path))
    return take_fd(&layer);
  return mount_clone(layer, false, err);
}

/* Short, relative names: all layers have to fit into one page of options. */
static int place_layer(const char *path, const char *name, const struct overlay_mapping *mapping,
                       struct error *err) {
  autoclose int layer = open_layer(path, err);
  if (layer < 0 || (mapping && mount_map(layer, mapping->user_namespace, err) < 0))
    return error_wrap(err, "layer %.256s", path);
  if (mkdir(name, 0700) < 0 || move_mount(layer, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
    return error_set(err, errno, "layer %.256s", path);
  return 0;
}

/* The writable layer and the work directory have to be on one mount. */
static int place_upper(const struct overlay_layers *layers, char *options, size_t size,
                       struct error *err) {
  const char *upper = strrchr(layers->upper, '/'), *work = strrchr(layers->work, '/');
  size_t parent = upper ? (size_t)(upper - layers->upper) : 0;
  char directory[4096];
  if (!upper || !work || strncmp(layers->upper, layers->work, parent + 1) != 0 ||
      snprintf(directory, sizeof directory, "%.*s", (int)parent, layers->upper) >=
          (int)sizeof directory)
    return error_set(err, EINVAL, "writable layer %s", layers->upper);
  if (place_layer(directory, "w", layers->mapping, err) < 0)
    return -1;
  snprintf(options, size, ",upperdir=w%s,workdir=w%s%s,redirect_dir=nofollow,metacopy=off", upper,
           work, layers->is_volatile ? ",volatile" : "");
  return 0;
}

/* SECURITY: whoever made the image chose what lies at the subpath: resolved as if it were the root.
 */
static int clone_part(const char *name, const char *subpath, struct error *err) {
  autoclose int whole = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
  autoclose int part =
      whole < 0 ? -1 : resolve(whole, subpath && *subpath ? subpath : ".", O_PATH, true);
  if (part < 0)
    return error_set(err, errno, "cannot access subpath %s", subpath ? subpath : "");
  return mount_clone(part, false, err);
}

static int mount_over_layers(const struct overlay_layers *layers, struct error *err) {
  char options[4096], upper[512] = "";
  size_t length = 0;
  for (size_t i = 0; i < layers->lower->count && length < sizeof options; i++) {
    char name[24];
    snprintf(name, sizeof name, "%zu", i);
    if (place_layer(layers->lower->items[i], name, layers->mapping, err) < 0)
      return -1;
    length += (size_t)snprintf(options + length, sizeof options - length, "%s%s",
                               i == 0 ? "lowerdir=" : ":", name);
  }
  if (layers->upper && place_upper(layers, upper, sizeof upper, err) < 0)
    return -1;
  if (length < sizeof options)
    length += (size_t)snprintf(options + length, sizeof options - length, "%s%s", upper,
                               user_namespace_is_child() ? ",userxattr" : "");
  if (length >= sizeof options)
    return error_set(err, E2BIG, "%zu layers", layers->lower->count);
  if (layers->lower->count == 1 && !layers->upper)
    return clone_part("0", layers->subpath, err);
  if (mkdir("m", 0700) < 0 || mount("overlay", "m", "overlay", 0, options) < 0)
    return error_set(err, errno, "mount overlay");
  return clone_part("m", layers->subpath, err);
}

/* What overlay makes for itself in the work directory must have an owner that the mapped layer
 * knows: it acts for whoever mounted it, with its file system identity and its capabilities. */
static int act_as_root_inside(const struct overlay_layers *layers, struct error *err) {
  if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0)
    return error_set(err, errno, "keep capabilities");
  setfsgid(layers->mapping->root_gid);
  setfsuid(layers->mapping->root_uid);
  return 0;
}

static int build(const struct overlay_layers *layers, struct error *err) {
  /* Over /proc, which every host has, and which is still the other one in the layers' paths. */
  autoclose int scratch = filesystem_mount("tmpfs", "mode=700", 0, err);
  if (scratch < 0)
    return -1;
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return error_set(err, errno, "make a mount namespace");
  if (move_mount(scratch, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0 || chdir("/proc") < 0)
    return error_set(err, errno, "make room for the layers");
  if (layers->mapping && act_as_root_inside(layers, err) < 0)
    return -1;
  autoclose int overlay = mount_over_layers(layers, err);
  if (overlay < 0)
    return -1;
  if (layers->attributes && mount_restrict(overlay, layers->attributes, false, err) < 0)
    return -1;
  return take_fd(&overlay);
}

int overlay_open_apart(const struct overlay_layers *layers, struct error *err) {
  int answer[2];
  if (pipe2(answer, O_CLOEXEC) < 0)
    return error_set(err, errno, "pipe");
  autoclose int from = answer[0], to = answer[1];
  struct clone_args arguments = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
  pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  struct {
    int overlay;
    struct error err;
  } result = {.overlay = -1};
  if (child == 0) {
    result.overlay = build(layers, &result.err);
    _exit(write(to, &result, sizeof result) == sizeof result ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0)
    return error_set(err, errno, "fork");
  if (status != 0 || read(from, &result, sizeof result) != sizeof result)
    return error_set(err, EINTR, "the layers were not mounted");
  if (result.overlay < 0)
    *err = result.err;
  return result.overlay;
}
