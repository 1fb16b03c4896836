#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "resolve.h"

int resolve(int root, const char *path, int flags, bool follow_symlinks) {
  struct open_how how = {
      .flags = (uint64_t)(flags | O_CLOEXEC),
      .resolve =
          RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (follow_symlinks ? 0 : RESOLVE_NO_SYMLINKS),
  };
  int fd;
  /* EAGAIN: a rename raced with the walk through "..". */
  do {
    fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
  } while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  return fd;
}

static int create_entry(int parent, const char *name, bool file, struct error *err) {
  if (!file) {
    if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
      return error_set(err, errno, "mkdir %s", name);
    int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? error_set(err, errno, "open %s", name) : fd;
  }
  autoclose int created =
      openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (created < 0 && errno != EEXIST)
    return error_set(err, errno, "create %s", name);
  int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? error_set(err, errno, "open %s", name) : fd;
}

/* Walks down from the longest prefix that exists; what is made is entered without following
 * anything. */
static int create_path(int root, char *path, bool file, bool follow_symlinks, struct error *err) {
  autoclose int at = resolve(root, "/", O_PATH | O_DIRECTORY, false);
  if (at < 0)
    return error_set(err, errno, "open the root");
  bool created = false;
  for (char *part = path; *part;) {
    char *name = part + strspn(part, "/");
    char *end = name + strcspn(name, "/");
    bool last = end[strspn(end, "/")] == '\0';
    char separator = *end;
    *end = '\0';
    if (*name == '\0')
      break;
    if (strcmp(name, "..") == 0)
      return error_set(err, EINVAL, "a path with ..");
    int next =
        created ? -1 : resolve(root, path, O_PATH | (last ? 0 : O_DIRECTORY), follow_symlinks);
    if (next < 0 && !created && errno != ENOENT)
      return error_set(err, errno, "resolve %s", path);
    if (next < 0) {
      created = true;
      next = create_entry(at, name, last && file, err);
      if (next < 0)
        return -1;
    }
    close_fd(&at);
    at = next;
    *end = separator;
    part = end;
  }
  return take_fd(&at);
}

int resolve_or_create(int root, const char *path, bool file, bool follow_symlinks,
                      struct error *err) {
  int fd = resolve(root, path, O_PATH, follow_symlinks);
  if (fd >= 0)
    return fd;
  if (errno != ENOENT)
    return error_set(err, errno, "resolve %s", path);
  char copy[PATH_MAX];
  if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
    return error_set(err, ENAMETOOLONG, "resolve %s", path);
  fd = create_path(root, copy, file, follow_symlinks, err);
  return fd < 0 ? error_wrap(err, "create %s", path) : fd;
}

int resolve_parent(int root, const char *path, const char **name, struct error *err) {
  const char *slash = strrchr(path, '/');
  char parent[PATH_MAX];
  if (!slash || slash[1] == '\0' || slash - path >= (ptrdiff_t)sizeof parent - 1)
    return error_set(err, EINVAL, "path %s", path);
  snprintf(parent, sizeof parent, "/%.*s", (int)(slash - path), path);
  *name = slash + 1;
  return resolve_or_create(root, parent, false, false, err);
}
