#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "resolve.h"
#include "rooted.h"

static uint64_t rules(bool follow_symlinks) {
  return ROOTED_IN_ROOT | (follow_symlinks ? 0 : (uint64_t)RESOLVE_NO_SYMLINKS);
}

int resolve(int root, const char *path, int flags, bool follow_symlinks) {
  return rooted_open(root, path, flags, 0, rules(follow_symlinks));
}

/* Makes the parents of `path`; *name points to its last part. */
static int make_parent(int root, char *path, bool follow_symlinks, const char **name,
                       struct error *err) {
  char *slash = strrchr(path, '/');
  *name = slash ? slash + 1 : path;
  if (slash)
    *slash = '\0';
  return rooted_make_directories(root, slash ? path : "", rules(follow_symlinks), err);
}

static int create_file(int parent, const char *name, struct error *err) {
  autoclose int made =
      openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (made < 0 && errno != EEXIST)
    return error_set(err, errno, "create %s", name);
  int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? error_set(err, errno, "open %s", name) : fd;
}

int resolve_or_create(int root, const char *path, bool file, bool follow_symlinks,
                      struct error *err) {
  int fd = resolve(root, path, O_PATH, follow_symlinks);
  if (fd >= 0)
    return fd;
  if (errno != ENOENT)
    return error_set(err, errno, "resolve %s", path);
  char clean[PATH_MAX];
  if (rooted_clean(path, clean, err) < 0)
    return -1;
  if (!file)
    return rooted_make_directories(root, clean, rules(follow_symlinks), err);
  const char *name;
  autoclose int parent = make_parent(root, clean, follow_symlinks, &name, err);
  return parent < 0 ? -1 : create_file(parent, name, err);
}

int resolve_parent(int root, const char *path, char clean[PATH_MAX], const char **name,
                   struct error *err) {
  if (rooted_clean(path, clean, err) < 0)
    return -1;
  return make_parent(root, clean, false, name, err);
}
