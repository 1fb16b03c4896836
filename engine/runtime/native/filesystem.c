#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "descriptor.h"
#include "filesystem.h"

int filesystem_set(int context, const char *key, const char *value) {
  return fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

static int set_data(int context, const char *data, struct error *err) {
  char copy[4096];
  if (snprintf(copy, sizeof copy, "%s", data) >= (int)sizeof copy)
    return error_set(err, E2BIG, "mount options");
  char *state = NULL;
  for (char *option = strtok_r(copy, ",", &state); option; option = strtok_r(NULL, ",", &state)) {
    char *value = strchr(option, '=');
    if (value)
      *value++ = '\0';
    if (filesystem_set(context, option, value) < 0)
      return error_set(err, errno, "mount option %s", option);
  }
  return 0;
}

/* The kernel explains a refused mount in lines `e text` read from the context. */
static void read_reason(int context, char *reason, size_t size) {
  ssize_t count = read(context, reason, size - 1);
  reason[count > 0 ? count : 0] = '\0';
  reason[strcspn(reason, "\n")] = '\0';
}

int filesystem_finish(int context, const char *type, uint32_t attributes, struct error *err) {
  int mount = -1;
  if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
    mount = fsmount(context, FSMOUNT_CLOEXEC, attributes);
  if (mount >= 0)
    return mount;
  int cause = errno;
  char reason[256];
  read_reason(context, reason, sizeof reason);
  return reason[0]
             ? error_set(err, cause, "mount %s (%s)", type, reason + (reason[1] == ' ' ? 2 : 0))
             : error_set(err, cause, "mount %s", type);
}

int filesystem_mount(const char *type, const char *data, uint32_t attributes, struct error *err) {
  return filesystem_mount_source(type, "", data, attributes, err);
}

int filesystem_mount_source(const char *type, const char *source, const char *data,
                            uint32_t attributes, struct error *err) {
  autoclose int context = fsopen(type, FSOPEN_CLOEXEC);
  if (context < 0)
    return error_set(err, errno, "filesystem %s", type);
  filesystem_set(context, "source", source[0] ? source : type);
  if (set_data(context, data, err) < 0)
    return error_wrap(err, "mount %s", type);
  return filesystem_finish(context, type, attributes, err);
}

int mount_attach(int mount, int target, struct error *err) {
  if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return error_set(err, errno, "attach mount");
  return 0;
}

int mount_clone(int fd, bool recursive, struct error *err) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
  int clone = open_tree(fd, "", flags | (recursive ? AT_RECURSIVE : 0));
  return clone < 0 ? error_set(err, errno, "clone mount") : clone;
}

int mount_restrict(int mount, uint32_t attributes, bool recursive, struct error *err) {
  struct mount_attr change = {.attr_set = attributes};
  if (attributes & MOUNT_ATTR__ATIME)
    change.attr_clr = MOUNT_ATTR__ATIME;
  if (attributes == 0)
    return 0;
  if (mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &change,
                    sizeof change) < 0)
    return error_set(err, errno, "change mount attributes");
  return 0;
}

int mount_map(int mount, int user_namespace, struct error *err) {
  struct mount_attr change = {
      .attr_set = MOUNT_ATTR_IDMAP,
      .userns_fd = (uint64_t)user_namespace,
  };
  if (mount_setattr(mount, "", AT_EMPTY_PATH, &change, sizeof change) == 0)
    return 0;
  return error_set(err, errno, "map the owners of files");
}
