#include "mount_source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"
#include "filesystem.h"
#include "overlay_mount.h"
#include "resolve.h"

/*
 * SECURITY: 2024-21626 and its class: whoever writes into a volume chooses what lies at the
 * subpath. It is resolved as if the source were the root, and what is mounted is the descriptor.
 */
static int take_part(int whole, const struct plan_mount *mount, struct error *err) {
  autoclose int part = resolve(whole, mount->subpath, O_PATH, true);
  if (part < 0)
    return error_set(err, errno, "cannot access subpath %s", mount->subpath);
  return mount_clone(part, mount->options & MOUNT_RECURSIVE, err);
}

static int open_bind(const struct plan_mount *mount, struct error *err) {
  bool recursive = mount->options & MOUNT_RECURSIVE;
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  if (mount->subpath[0] == '\0') {
    int clone = open_tree(AT_FDCWD, mount->source, flags);
    return clone < 0 ? error_set(err, errno, "bind source path %s", mount->source) : clone;
  }
  autoclose int whole = open(mount->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (whole < 0)
    return error_set(err, errno, "bind source path %s", mount->source);
  return take_part(whole, mount, err);
}

static int open_image(const struct plan_mount *mount, const struct overlay_mapping *mapping,
                      struct error *err) {
  struct overlay_layers layers = {
      .lower = &mount->layers,
      .attributes = MOUNT_ATTR_RDONLY,
      .mapping = mapping,
      .subpath = mount->subpath,
  };
  return overlay_open(&layers, err);
}

/* In the child: its descriptors are the supervisor's, everything else is its own. */
static _Noreturn void clone_elsewhere(int process, const struct plan_mount *mount, int slot) {
  if (setns(process, CLONE_NEWNS) < 0)
    _exit(errno);
  int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  /* SECURITY: the other container can put a link there; it would be followed as the host's root. */
  int place = root < 0 ? -1 : resolve(root, mount->source, O_PATH, false);
  int clone =
      place < 0 ? -1 : open_tree(place, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  int number = clone < 0 || dup3(clone, slot, O_CLOEXEC) < 0 ? errno : 0;
  close(clone);
  close(place);
  close(root);
  _exit(number);
}

/* A mount can be cloned only from inside the namespace that it is in: a child enters it. */
static int open_in_process(const struct plan_mount *mount, struct error *err) {
  autoclose int process = pidfd_open((pid_t)mount->source_pid, 0);
  autoclose int slot = open("/", O_PATH | O_CLOEXEC);
  if (process < 0 || slot < 0)
    return error_set(err, errno, "process %u", mount->source_pid);
  struct clone_args arguments = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
  pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0)
    clone_elsewhere(process, mount, slot);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0)
    return error_set(err, errno, "enter the mounts of process %u", mount->source_pid);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return error_set(err, WIFEXITED(status) ? WEXITSTATUS(status) : EINTR,
                     "%s of the other container", mount->source);
  return take_fd(&slot);
}

int mount_source_open(const struct plan_mount *mount, const struct overlay_mapping *mapping,
                      int *fd, struct error *err) {
  *fd = -1;
  if (mount->kind == MOUNT_OVERLAY)
    *fd = open_image(mount, mapping, err);
  else if (mount->kind == MOUNT_BIND)
    *fd = mount->source_pid ? open_in_process(mount, err) : open_bind(mount, err);
  else
    return 0;
  bool mapped = mapping && mount->options & MOUNT_MAPPED;
  if (*fd < 0 || !mapped || mount_map(*fd, mapping->user_namespace, err) == 0)
    return *fd < 0 ? -1 : 0;
  close_fd(fd);
  return error_wrap(err, "%s", mount->source);
}
