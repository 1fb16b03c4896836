#include "copy_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "descriptor.h"
#include "directory.h"
#include "link_table.h"
#include "rooted.h"
#include "user_namespace.h"
#include "xattr_policy.h"

enum { MAX_DEPTH = 512, MAX_NAMES = 64 * 1024, MAX_VALUE = 64 * 1024 };

struct copy {
  int target; /* the root of what is made */
  struct link_table links;
};

/* A directory on both sides; `path` is its place below the roots, "" for themselves. */
struct pair {
  int from, to;
  const char *path;
  int depth;
};

static int copy_xattrs(int from, int to, struct error *err) {
  char names[MAX_NAMES], value[MAX_VALUE];
  ssize_t length = flistxattr(from, names, sizeof names);
  if (length < 0)
    return errno == ENOTSUP ? 0 : error_set(err, errno, "read attributes");
  for (const char *name = names; name < names + length; name += strlen(name) + 1) {
    if (!xattr_allowed(name))
      continue;
    ssize_t size = fgetxattr(from, name, value, sizeof value);
    /* A file system without such attributes loses them. */
    if (size < 0 || (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP &&
                     errno != EPERM && errno != EOPNOTSUPP))
      return error_set(err, errno, "copy attribute %.64s", name);
  }
  return 0;
}

int copy_attributes(int from, int to, struct error *err) {
  struct stat status;
  if (fstat(from, &status) < 0)
    return error_set(err, errno, "copy attributes");
  /* The owner first: chown clears set-user-ID and file capabilities. */
  if (fchown(to, status.st_uid, status.st_gid) < 0 || fchmod(to, status.st_mode & 07777) < 0)
    return error_set(err, errno, "copy attributes");
  if (copy_xattrs(from, to, err) < 0)
    return -1;
  struct timespec times[2] = {status.st_atim, status.st_mtim};
  return futimens(to, times) < 0 ? error_set(err, errno, "copy attributes") : 0;
}

/* One piece without holes. A file that shrinks meanwhile ends it early. */
static int copy_range(int in, int out, off_t start, off_t end, struct error *err) {
  off_t to = start;
  bool in_kernel = true;
  while (start < end) {
    ssize_t count;
    if (in_kernel) {
      count = copy_file_range(in, &start, out, &to, (size_t)(end - start), 0);
      /* Across file systems, and on those that cannot. */
      if (count < 0 &&
          (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
        in_kernel = false;
        if (lseek(out, to, SEEK_SET) < 0)
          return error_set(err, errno, "copy");
        continue;
      }
    } else {
      count = sendfile(out, in, &start, (size_t)(end - start));
    }
    if (count < 0 && errno != EINTR)
      return error_set(err, errno, "copy");
    if (count == 0)
      break;
  }
  return 0;
}

int copy_content(int in, int out, off_t size, struct error *err) {
  if (ioctl(out, FICLONE, in) == 0)
    return 0;
  for (off_t offset = 0; offset < size;) {
    off_t data = lseek(in, offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO)
      break;
    if (data < 0)
      data = offset;
    off_t hole = lseek(in, data, SEEK_HOLE);
    if (hole < 0)
      hole = size;
    if (copy_range(in, out, data, hole, err) < 0)
      return -1;
    offset = hole;
  }
  return ftruncate(out, size) < 0 ? error_set(err, errno, "copy") : 0;
}

/* 1 when the file was met before and is now a link to what was made then. */
static int copy_hard_link(struct copy *copy, const struct pair *pair, const char *name,
                          const char *path, const struct stat *status, struct error *err) {
  if (status->st_nlink < 2)
    return 0;
  const char *earlier = link_table_meet(&copy->links, status, path, err);
  if (!earlier)
    return err->number ? -1 : 0;
  autoclose int made = rooted_open(copy->target, earlier, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH);
  if (made < 0 || linkat(made, "", pair->to, name, AT_EMPTY_PATH) < 0)
    return error_set(err, errno, "link");
  return 1;
}

static int copy_file(struct copy *copy, const struct pair *pair, const char *name, const char *path,
                     struct error *err) {
  /* SECURITY: between stat and open it may become a fifo or a device: never block, look again. */
  autoclose int in = openat(pair->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat status;
  if (in < 0 && errno == ENOENT)
    return 0;
  if (in < 0 || fstat(in, &status) < 0)
    return error_set(err, errno, "open");
  if (!S_ISREG(status.st_mode))
    return 0;
  int linked = copy_hard_link(copy, pair, name, path, &status, err);
  if (linked != 0)
    return linked < 0 ? -1 : 0;
  autoclose int out = openat(pair->to, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (out < 0)
    return error_set(err, errno, "create");
  if (copy_content(in, out, status.st_size, err) < 0)
    return -1;
  return copy_attributes(in, out, err);
}

static int copy_symlink(const struct pair *pair, const char *name, struct error *err) {
  char target[PATH_MAX];
  ssize_t size = readlinkat(pair->from, name, target, sizeof target - 1);
  if (size < 0)
    return error_set(err, errno, "read link");
  target[size] = '\0';
  return symlinkat(target, pair->to, name) < 0 ? error_set(err, errno, "symlink") : 0;
}

static int copy_node(struct copy *copy, const struct pair *pair, const char *name, const char *path,
                     const struct stat *status, struct error *err) {
  if (S_ISSOCK(status->st_mode))
    return 0;
  /* An ordinary user's engine makes no device nodes. */
  if (!S_ISLNK(status->st_mode) && !S_ISFIFO(status->st_mode) && user_namespace_is_child())
    return 0;
  int linked = copy_hard_link(copy, pair, name, path, status, err);
  if (linked != 0)
    return linked < 0 ? -1 : 0;
  if (S_ISLNK(status->st_mode)) {
    if (copy_symlink(pair, name, err) < 0)
      return -1;
  } else if (mknodat(pair->to, name, status->st_mode, status->st_rdev) < 0 ||
             fchmodat(pair->to, name, status->st_mode & 07777, 0) < 0) {
    return error_set(err, errno, "create");
  }
  struct timespec times[2] = {status->st_atim, status->st_mtim};
  if (fchownat(pair->to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
      utimensat(pair->to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
    return error_set(err, errno, "copy attributes");
  return 0;
}

static int copy_entries(struct copy *copy, const struct pair *pair, struct error *err);

static int copy_directory(struct copy *copy, const struct pair *pair, const char *name,
                          const char *path, struct error *err) {
  autoclose int from = openat(pair->from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0)
    return errno == ENOENT || errno == ENOTDIR ? 0 : error_set(err, errno, "open");
  if (mkdirat(pair->to, name, 0700) < 0)
    return error_set(err, errno, "create");
  autoclose int to = openat(pair->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (to < 0)
    return error_set(err, errno, "open");
  const struct pair inside = {from, to, path, pair->depth + 1};
  if (copy_entries(copy, &inside, err) < 0)
    return -1;
  return copy_attributes(from, to, err);
}

static int copy_entry(struct copy *copy, const struct pair *pair, const char *name,
                      struct error *err) {
  struct stat status;
  char path[PATH_MAX];
  size_t length = strlen(pair->path);
  if (length + strlen(name) + 2 > sizeof path)
    return error_set(err, ENAMETOOLONG, "copy %.256s", pair->path);
  char *end = mempcpy(path, pair->path, length);
  if (length > 0)
    *end++ = '/';
  strcpy(end, name);
  if (fstatat(pair->from, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : error_set(err, errno, "copy %.256s", path);
  int result = S_ISREG(status.st_mode)   ? copy_file(copy, pair, name, path, err)
               : S_ISDIR(status.st_mode) ? copy_directory(copy, pair, name, path, err)
                                         : copy_node(copy, pair, name, path, &status, err);
  /* The innermost entry is the one to name. */
  if (result < 0 && !S_ISDIR(status.st_mode))
    return error_wrap(err, "copy %.256s", path);
  return result;
}

static int copy_entries(struct copy *copy, const struct pair *pair, struct error *err) {
  if (pair->depth > MAX_DEPTH)
    return error_set(err, ELOOP, "directories nest too deep");
  autoclose_directory DIR *directory = directory_open(pair->from);
  if (!directory)
    return error_set(err, errno, "read directory %.256s", pair->path);
  struct dirent *entry;
  int more;
  while ((more = directory_next(directory, &entry, err)) > 0) {
    if (copy_entry(copy, pair, entry->d_name, err) < 0)
      return -1;
  }
  return more;
}

int copy_tree(int from, int to, struct error *err) {
  struct copy copy = {.target = to};
  const struct pair roots = {from, to, "", 0};
  mode_t previous = umask(0);
  int result = copy_entries(&copy, &roots, err);
  umask(previous);
  link_table_free(&copy.links);
  return result;
}
