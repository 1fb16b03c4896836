/*
 * gantry-shim archive-write|archive-mkdir|archive-remove|archive-rename ROOT-OPTIONS PATH
 * [ARGUMENT]: changes of one file or directory of a container or volume. PATH is absolute and
 * clean; its last component is never followed when it is a link.
 *
 * archive-write PATH SIZE: the next SIZE bytes of stdin become the file's content. The old content
 * or the new one is there at every moment; an input that ends early changes nothing.
 * archive-rename PATH NEW-PATH: nothing is ever replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "commands.h"
#include "copy_tree.h"
#include "descriptor.h"
#include "rooted.h"

enum { PIECE = 256 * 1024 };

/* The directory to change and the name in it. The root itself is not to be changed. */
static int open_place(int root, const char *path, char leaf[NAME_MAX + 1], struct error *err) {
  int parent = archive_open_parent(root, path, O_RDONLY, leaf, err);
  if (parent < 0)
    return -1;
  if (strcmp(leaf, ".") == 0)
    error_set(err, EBUSY, "%.256s", path);
  else if (archive_check_writable(root, parent, err) == 0)
    return parent;
  close(parent);
  return -1;
}

/* Copies `size` bytes of stdin; fewer or more are an error. */
static int receive(int out, uint64_t size, struct error *err) {
  static char piece[PIECE];
  while (size > 0) {
    ssize_t count = read(STDIN_FILENO, piece, size < PIECE ? (size_t)size : PIECE);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set(err, errno, "read the content");
    if (count == 0)
      return error_set(err, EMSGSIZE, "the content ended early");
    for (ssize_t written = 0; written < count;) {
      ssize_t more = write(out, piece + written, (size_t)(count - written));
      if (more < 0 && errno != EINTR)
        return error_set(err, errno, "write");
      written += more < 0 ? 0 : more;
    }
    size -= (uint64_t)count;
  }
  /* Only now is it known to be whole. */
  ssize_t more;
  while ((more = read(STDIN_FILENO, piece, 1)) < 0 && errno == EINTR)
    ;
  return more == 0 ? 0 : error_set(err, EMSGSIZE, "there is more content than told");
}

/* What it was before; a new file belongs to whoever owns its directory. */
static int take_attributes(int parent, int old, int file, struct error *err) {
  struct stat status;
  if (old >= 0)
    return copy_attributes(old, file, err);
  if (fstat(parent, &status) < 0 || fchown(file, status.st_uid, status.st_gid) < 0 ||
      fchmod(file, 0644) < 0)
    return error_set(err, errno, "set attributes");
  return 0;
}

/*
 * SECURITY: a regular file and nothing else: the container may put a fifo or a device in its place,
 * to which this process has access.
 */
static int open_regular(int parent, const char *leaf, int flags, struct error *err) {
  autoclose int fd = openat(parent, leaf, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0)
    return error_set(err, errno, "open");
  if (!S_ISREG(status.st_mode))
    return error_set(err, S_ISDIR(status.st_mode) ? EISDIR : ELOOP, "not a regular file");
  return take_fd(&fd);
}

/* A file that is itself a mount (/etc/hosts) cannot be replaced: it gets the content. */
static int overwrite(int parent, const char *leaf, int file, struct error *err) {
  autoclose int mounted = open_regular(parent, leaf, O_WRONLY, err);
  struct stat status;
  if (mounted < 0)
    return -1;
  if (fstat(file, &status) < 0 || ftruncate(mounted, 0) < 0)
    return error_set(err, errno, "write");
  return copy_content(file, mounted, status.st_size, err);
}

static int fill_and_place(int parent, const char *leaf, const char *temporary, int old,
                          uint64_t size, struct error *err) {
  autoclose int file =
      openat(parent, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0)
    return error_set(err, errno, "create");
  struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
  if (receive(file, size, err) < 0 || take_attributes(parent, old, file, err) < 0)
    return -1;
  if (futimens(file, now) < 0 || fsync(file) < 0)
    return error_set(err, errno, "write");
  if (renameat(parent, temporary, parent, leaf) == 0)
    return fsync(parent) < 0 ? error_set(err, errno, "write") : 0;
  if (errno != EBUSY)
    return error_set(err, errno, "replace");
  int result = overwrite(parent, leaf, file, err);
  unlinkat(parent, temporary, 0);
  return result;
}

static int write_file(int parent, const char *leaf, const char *argument, struct error *err) {
  char *end;
  errno = 0;
  uint64_t size = strtoull(argument, &end, 10), token;
  if (errno || end == argument || *end)
    return error_set(err, EINVAL, "size %.32s", argument);
  autoclose int old = open_regular(parent, leaf, O_RDONLY, err);
  if (old < 0 && err->number != ENOENT)
    return -1;
  char temporary[64];
  if (getrandom(&token, sizeof token, 0) != sizeof token)
    return error_set(err, errno, "getrandom");
  snprintf(temporary, sizeof temporary, ".gantry-write-%016" PRIx64, token);
  if (fill_and_place(parent, leaf, temporary, old, size, err) == 0)
    return 0;
  unlinkat(parent, temporary, 0);
  return -1;
}

static int make_directory(int parent, const char *leaf, struct error *err) {
  struct stat status;
  if (mkdirat(parent, leaf, 0755) < 0)
    return error_set(err, errno, "create directory");
  if (fstat(parent, &status) < 0 ||
      fchownat(parent, leaf, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return error_set(err, errno, "set owner");
  return 0;
}

static int remove_entry(int parent, const char *leaf, struct error *err) {
  struct stat status;
  if (fstatat(parent, leaf, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return error_set(err, errno, "remove");
  return rooted_remove(parent, leaf, err);
}

static int rename_entry(int root, int parent, const char *leaf, const char *path,
                        struct error *err) {
  char name[NAME_MAX + 1];
  if (*path != '/')
    return error_set(err, EINVAL, "path %.64s", path);
  autoclose int target = open_place(root, path, name, err);
  if (target < 0)
    return -1;
  if (renameat2(parent, leaf, target, name, RENAME_NOREPLACE) < 0)
    return error_set(err, errno, "rename to %.200s", path);
  return 0;
}

static int edit(const char *command, int root, char **words, struct error *err) {
  char leaf[NAME_MAX + 1];
  const char *path = words[0], *argument = words[1];
  autoclose int parent = open_place(root, path, leaf, err);
  if (parent < 0)
    return -1;
  int result;
  if (strcmp(command, "archive-mkdir") == 0)
    result = make_directory(parent, leaf, err);
  else if (strcmp(command, "archive-remove") == 0)
    result = remove_entry(parent, leaf, err);
  else if (strcmp(command, "archive-rename") == 0)
    result = rename_entry(root, parent, leaf, argument, err);
  else
    result = write_file(parent, leaf, argument, err);
  return result < 0 ? error_wrap(err, "%.256s", path) : 0;
}

int archive_edit_main(int argc, char **argv) {
  struct error err = {0};
  struct archive_root_options options;
  int first = archive_root_parse(argc, argv, &options, &err);
  if (first < 0)
    return archive_fail(&err);
  bool pair = strcmp(argv[0], "archive-write") == 0 || strcmp(argv[0], "archive-rename") == 0;
  if (argc - first != (pair ? 2 : 1) || argv[first][0] != '/') {
    fprintf(stderr, "usage: gantry-shim %s ROOT-OPTIONS PATH%s\n", argv[0],
            pair ? " SIZE|NEW-PATH" : "");
    return 2;
  }
  autoclose int root = archive_root_open(&options, true, &err);
  if (root < 0 || edit(argv[0], root, argv + first, &err) < 0)
    return archive_fail(&err);
  return 0;
}
