#include "rooted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "directory.h"

/* Deep enough for any real tree; bounds the recursion of rooted_remove and the work of a hostile
 * name. */
#define MAX_DEPTH 1024
/* Directories open at once while removing; RLIMIT_NOFILE may be 1024. */
#define MAX_OPEN_DEPTH 128

int rooted_open(int directory, const char *path, int flags, mode_t mode, uint64_t resolve) {
  /* openat2 is strict: mode must be 0 unless something is created. */
  struct open_how how = {
      .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve};
  for (int tries = 0;; tries++) {
    int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || tries == 128)
      return fd;
  }
}

int rooted_make_directories(int directory, const char *path, uint64_t resolve, struct error *err) {
  char prefix[PATH_MAX];
  size_t length = strlen(path);
  if (length >= sizeof prefix)
    return error_set(err, ENAMETOOLONG, "%.64s...", path);
  memcpy(prefix, path, length + 1);
  int current = rooted_open(directory, *path ? path : ".", O_PATH | O_DIRECTORY, 0, resolve);
  if (current >= 0)
    return current;
  if (errno != ENOENT)
    return error_set(err, errno, "open directory %s", path);
  current = fcntl(directory, F_DUPFD_CLOEXEC, 0);
  for (char *start = prefix; current >= 0 && start < prefix + length;) {
    if (*start == '/') {
      start++;
      continue;
    }
    char *end = strchrnul(start, '/');
    char saved = *end;
    *end = '\0';
    autoclose int parent = current;
    current = rooted_open(directory, prefix, O_PATH | O_DIRECTORY, 0, resolve);
    if (current < 0 && errno == ENOENT) {
      /* EEXIST: a dangling link, or a race that the next open judges. */
      if (mkdirat(parent, start, 0755) < 0 && errno != EEXIST)
        return error_set(err, errno, "create directory %s", prefix);
      current = rooted_open(directory, prefix, O_PATH | O_DIRECTORY, 0, resolve);
    }
    if (current < 0)
      return error_set(err, errno, "open directory %s", prefix);
    *end = saved;
    start = end;
  }
  return current >= 0 ? current : error_set(err, errno, "open directory");
}

int rooted_clean(const char *name, char *out, struct error *err) {
  size_t length = 0;
  unsigned depth = 0;
  for (const char *part = name; *part;) {
    const char *end = strchrnul(part, '/');
    size_t size = (size_t)(end - part);
    if (size == 2 && part[0] == '.' && part[1] == '.') {
      if (depth-- == 0)
        return error_set(err, 0, "invalid path \"%.256s\": it leaves the archive's root", name);
      while (length > 0 && out[length - 1] != '/')
        length--;
      length -= length > 0;
    } else if (size > 0 && !(size == 1 && *part == '.')) {
      if (length + size + 2 > PATH_MAX || ++depth > MAX_DEPTH)
        return error_set(err, 0, "invalid path \"%.64s...\": too long or too deep", name);
      if (length > 0)
        out[length++] = '/';
      memcpy(out + length, part, size);
      length += size;
    }
    part = *end ? end + 1 : end;
  }
  out[length] = '\0';
  return 0;
}

int rooted_mount_id(int fd, uint64_t *id) {
  struct statx status;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) < 0)
    return -1;
  *id = status.stx_mnt_id;
  return 0;
}

/* One removal: deep subtrees are moved up to `top`, so that neither the stack nor descriptors run
 * out. */
struct removal {
  int top;
  uint64_t mount;
  unsigned moved;
};

static int remove_entries(struct removal *removal, int fd, int depth, struct error *err);

static int remove_directory(struct removal *removal, int parent, const char *name, int depth,
                            struct error *err) {
  if (depth > MAX_OPEN_DEPTH) {
    char place[32];
    snprintf(place, sizeof place, ".deep-%u", removal->moved++);
    if (renameat(parent, name, removal->top, place) < 0)
      return error_set(err, errno, "remove %s", name);
    return 0;
  }
  autoclose int fd = rooted_open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                                 ROOTED_STRICT | RESOLVE_NO_XDEV);
  if (fd < 0 && errno == ENOENT)
    return 0;
  if (fd < 0)
    return error_set(err, errno, "remove %s", name);
  /* NO_XDEV alone lets a bind mount of the same tree pass on old kernels: compare the mount too. */
  uint64_t here;
  if (rooted_mount_id(fd, &here) < 0 || here != removal->mount)
    return error_set(err, EXDEV, "remove %s: a mount is in the way", name);
  if (removal->top < 0) {
    struct removal inside = {.top = fd, .mount = removal->mount};
    unsigned before;
    do {
      before = inside.moved;
      if (remove_entries(&inside, fd, depth + 1, err) < 0)
        return error_wrap(err, "%s", name);
    } while (inside.moved != before);
  } else if (remove_entries(removal, fd, depth + 1, err) < 0) {
    return error_wrap(err, "%s", name);
  }
  if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
    return error_set(err, errno, "remove %s", name);
  return 0;
}

static int remove_entry(struct removal *removal, int parent, const char *name, int depth,
                        struct error *err) {
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
    return 0;
  if (errno != EISDIR && errno != EPERM)
    return error_set(err, errno, "remove %s", name);
  return remove_directory(removal, parent, name, depth, err);
}

static int remove_entries(struct removal *removal, int fd, int depth, struct error *err) {
  autoclose_directory DIR *directory = directory_open(fd);
  if (!directory)
    return error_set(err, errno, "read directory");
  struct dirent *entry;
  int more;
  while ((more = directory_next(directory, &entry, err)) > 0) {
    if (remove_entry(removal, fd, entry->d_name, depth, err) < 0)
      return -1;
  }
  return more;
}

int rooted_remove(int parent, const char *name, struct error *err) {
  struct removal removal = {.top = -1};
  if (rooted_mount_id(parent, &removal.mount) < 0)
    return error_set(err, errno, "remove %s", name);
  return remove_entry(&removal, parent, name, 0, err);
}
