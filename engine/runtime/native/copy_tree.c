#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy_tree.h"
#include "descriptor.h"
#include "directory.h"

enum { MAX_DEPTH = 64 };

static int copy_file(int from, const char *name, int to, const struct stat *stat,
                     struct error *err) {
  autoclose int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  autoclose int out = openat(to, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (in < 0 || out < 0)
    return error_set(err, errno, "copy %s", name);
  for (off_t left = stat->st_size; left > 0;) {
    ssize_t count = sendfile(out, in, NULL, (size_t)left);
    if (count < 0)
      return error_set(err, errno, "copy %s", name);
    if (count == 0)
      break;
    left -= count;
  }
  /* The mode after the owner: chown clears set-user-ID. */
  if (fchown(out, stat->st_uid, stat->st_gid) < 0 || fchmod(out, stat->st_mode & 07777) < 0)
    return error_set(err, errno, "copy %s", name);
  return 0;
}

static int copy_symlink(int from, const char *name, int to, const struct stat *stat,
                        struct error *err) {
  char target[PATH_MAX];
  ssize_t size = readlinkat(from, name, target, sizeof target - 1);
  if (size < 0)
    return error_set(err, errno, "read link %s", name);
  target[size] = '\0';
  if (symlinkat(target, to, name) < 0 ||
      fchownat(to, name, stat->st_uid, stat->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return error_set(err, errno, "symlink %s", name);
  return 0;
}

static int copy_directory(int from, int to, int depth, struct error *err);

static int copy_entry(int from, const char *name, int to, int depth, struct error *err) {
  struct stat stat;
  if (fstatat(from, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
    return error_set(err, errno, "stat %s", name);
  if (S_ISREG(stat.st_mode))
    return copy_file(from, name, to, &stat, err);
  if (S_ISLNK(stat.st_mode))
    return copy_symlink(from, name, to, &stat, err);
  if (!S_ISDIR(stat.st_mode))
    return 0;
  if (mkdirat(to, name, 0700) < 0)
    return error_set(err, errno, "mkdir %s", name);
  autoclose int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  autoclose int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (source < 0 || target < 0)
    return error_set(err, errno, "open %s", name);
  if (copy_directory(source, target, depth + 1, err) < 0)
    return -1;
  if (fchown(target, stat.st_uid, stat.st_gid) < 0 || fchmod(target, stat.st_mode & 07777) < 0)
    return error_set(err, errno, "copy %s", name);
  return 0;
}

static int copy_directory(int from, int to, int depth, struct error *err) {
  if (depth > MAX_DEPTH)
    return error_set(err, ELOOP, "directories nest too deep");
  autoclose_directory DIR *directory = directory_open(from);
  if (!directory)
    return error_set(err, errno, "read directory");
  struct dirent *entry;
  int more;
  while ((more = directory_next(directory, &entry, err)) > 0) {
    if (copy_entry(from, entry->d_name, to, depth, err) < 0)
      return -1;
  }
  return more;
}

int copy_tree(int from, int to, struct error *err) {
  return copy_directory(from, to, 0, err);
}
