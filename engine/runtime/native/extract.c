#include "extract.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "descriptor.h"
#include "overlay.h"
#include "rooted.h"
#include "tar_reader.h"
#include "user_namespace.h"
#include "xattr_policy.h"

/* Directory times are set last: every entry made inside changes them again. */
struct directory_time {
  char *path;
  struct timespec mtime;
};

struct extract {
  const struct extract_options *options;
  int base;
  struct tar_reader reader;
  struct tar_entry entry;
  char path[PATH_MAX]; /* the entry's cleaned name */
  /* The parent of the previous entry: archives list directories together. */
  int parent;
  char parent_path[PATH_MAX];
  struct directory_time *directories;
  size_t directory_count, directory_capacity;
  struct extract_summary *summary;
};

static int fail(const struct extract *x, struct error *err) {
  return error_set(err, errno, "%.256s", x->path);
}

static void forget_parent(struct extract *x) {
  close_fd(&x->parent);
}

/*
 * Opens the directory `path` below base, making what is missing. SECURITY: 2026-17106, 2025-47290:
 * the fast path follows no link at all; the slow one only links that stay inside the layer (lib ->
 * usr/lib), or, for docker cp, inside the container's root.
 */
static int open_directory(struct extract *x, const char *path, struct error *err) {
  int fd = rooted_open(x->base, *path ? path : ".", O_PATH | O_DIRECTORY, 0, ROOTED_STRICT);
  if (fd >= 0)
    return fd;
  if (x->options->layer) {
    fd = rooted_make_directories(x->base, path, ROOTED_BENEATH, err);
    if (fd < 0 && err->number == EXDEV)
      error_wrap(err, "invalid path \"%.256s\": it leaves the archive's root", x->entry.name);
    return fd;
  }
  char full[PATH_MAX];
  if (strlen(x->options->base_path) + strlen(path) + 2 > sizeof full)
    return error_set(err, ENAMETOOLONG, "%.64s...", path);
  char *end = stpcpy(full, x->options->base_path);
  *end++ = '/';
  stpcpy(end, path);
  return rooted_make_directories(x->options->root, full, ROOTED_IN_ROOT, err);
}

/* Sets x->parent to the directory of x->path and returns the last component, or NULL with *err. */
static const char *open_parent(struct extract *x, struct error *err) {
  char *slash = strrchr(x->path, '/');
  size_t length = slash ? (size_t)(slash - x->path) : 0;
  if (x->parent >= 0 && strncmp(x->parent_path, x->path, length) == 0 &&
      x->parent_path[length] == '\0')
    return slash ? slash + 1 : x->path;
  forget_parent(x);
  memcpy(x->parent_path, x->path, length);
  x->parent_path[length] = '\0';
  x->parent = open_directory(x, x->parent_path, err);
  if (x->parent < 0)
    return NULL;
  return slash ? slash + 1 : x->path;
}

static int set_xattrs(struct extract *x, int fd, struct error *err) {
  for (size_t i = 0; i < x->entry.xattr_count; i++) {
    const struct tar_xattr *xattr = &x->entry.xattrs[i];
    if (!xattr_allowed(xattr->name))
      continue;
    /* A file system without user attributes loses them, as in Docker. */
    if (fsetxattr(fd, xattr->name, xattr->value, xattr->size, 0) < 0 && errno != ENOTSUP &&
        errno != EPERM)
      return fail(x, err);
  }
  return 0;
}

/* EINVAL is the kernel's word for an id that the user namespace does not map. */
static int fail_owner(const struct extract *x, uid_t uid, gid_t gid, struct error *err) {
  if (errno != EINVAL || !user_namespace_is_child())
    return fail(x, err);
  return error_set(err, EINVAL,
                   "%.256s: owner %u:%u is beyond the ids that this user may use "
                   "(see /etc/subuid and /etc/subgid)",
                   x->path, uid, gid);
}

static uid_t owner(const struct extract *x) {
  return x->options->chown ? x->options->uid : x->entry.uid;
}

static gid_t group(const struct extract *x) {
  return x->options->chown ? x->options->gid : x->entry.gid;
}

/* Attributes of a file or directory. chown first: it clears set-user-ID bits and file capabilities.
 */
static int set_attributes(struct extract *x, int fd, struct error *err) {
  if (fchown(fd, owner(x), group(x)) < 0)
    return fail_owner(x, owner(x), group(x), err);
  if (fchmod(fd, x->entry.mode) < 0)
    return fail(x, err);
  return set_xattrs(x, fd, err);
}

static int set_opaque(struct extract *x, int directory, struct error *err) {
  autoclose int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || fsetxattr(fd, user_namespace_opaque_xattr(), "y", 1, 0) < 0)
    return fail(x, err);
  return 0;
}

/*
 * Makes room for the entry where an earlier one (or the container's file) is. Returns 1 when a
 * directory is there that the entry, a directory too, goes on with.
 */
static int clear_place(struct extract *x, const char *leaf, bool *replaced_whiteout,
                       struct error *err) {
  struct stat status;
  if (fstatat(x->parent, leaf, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : fail(x, err);
  bool was_directory = S_ISDIR(status.st_mode), is_directory = x->entry.type == '5';
  if (was_directory && is_directory)
    return 1;
  if (x->options->keep_directories && was_directory)
    return error_set(err, 0, "cannot overwrite directory \"%.200s\" with non-directory", x->path);
  if (x->options->keep_directories && is_directory)
    return error_set(err, 0, "cannot overwrite non-directory \"%.200s\" with directory", x->path);
  *replaced_whiteout = x->options->layer && overlay_is_whiteout(&status);
  return rooted_remove(x->parent, leaf, err);
}

static int write_all(struct extract *x, int fd, const unsigned char *data, size_t size,
                     uint64_t place, struct error *err) {
  while (size > 0) {
    ssize_t count = pwrite(fd, data, size, (off_t)place);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return fail(x, err);
    data += count;
    place += (uint64_t)count;
    size -= (size_t)count;
  }
  return 0;
}

static int make_file(struct extract *x, const char *leaf, struct error *err) {
  autoclose int fd =
      openat(x->parent, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(x, err);
  const unsigned char *data;
  uint64_t place;
  long count;
  while ((count = tar_reader_data(&x->reader, &data, &place, err)) > 0) {
    if (write_all(x, fd, data, (size_t)count, place, err) < 0)
      return -1;
  }
  if (count < 0)
    return error_wrap(err, "%.256s", x->path);
  /* The holes of a sparse file stay holes, the one at its end too. */
  if (x->entry.sparse && ftruncate(fd, (off_t)x->entry.size) < 0)
    return fail(x, err);
  x->summary->bytes += x->entry.size;
  if (set_attributes(x, fd, err) < 0)
    return -1;
  struct timespec times[2] = {x->entry.mtime, x->entry.mtime};
  return futimens(fd, times) < 0 ? fail(x, err) : 0;
}

static int remember_directory(struct extract *x, struct error *err) {
  if (x->directory_count == x->directory_capacity) {
    size_t capacity = x->directory_capacity ? x->directory_capacity * 2 : 256;
    void *grown = realloc(x->directories, capacity * sizeof *x->directories);
    if (!grown)
      return error_set(err, ENOMEM, "extract");
    x->directories = grown;
    x->directory_capacity = capacity;
  }
  char *path = strdup(x->path);
  if (!path)
    return error_set(err, ENOMEM, "extract");
  x->directories[x->directory_count++] = (struct directory_time){path, x->entry.mtime};
  return 0;
}

static int make_directory(struct extract *x, const char *leaf, bool exists, bool opaque,
                          struct error *err) {
  if (!exists && mkdirat(x->parent, leaf, 0700) < 0)
    return fail(x, err);
  autoclose int fd = openat(x->parent, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return fail(x, err);
  if (opaque && set_opaque(x, fd, err) < 0)
    return -1;
  if (set_attributes(x, fd, err) < 0)
    return -1;
  return remember_directory(x, err);
}

/* The target is a name in the archive; absolute ones are taken from its root, as kaniko writes
 * them. */
static int make_hard_link(struct extract *x, const char *leaf, struct error *err) {
  char target[PATH_MAX];
  if (rooted_clean(x->entry.link, target, err) < 0)
    return error_wrap(err, "%.200s", x->path);
  char *slash = strrchr(target, '/');
  autoclose int directory = -1;
  if (slash) {
    *slash = '\0';
    directory = open_directory(x, target, err);
    if (directory < 0)
      return error_wrap(err, "%.200s: link target", x->path);
  }
  autoclose int fd = openat(slash ? directory : x->base, slash ? slash + 1 : target,
                            O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return error_set(err, errno, "%.200s: link target \"%.200s\"", x->path, x->entry.link);
  if (linkat(fd, "", x->parent, leaf, AT_EMPTY_PATH) < 0)
    return fail(x, err);
  return 0;
}

static int make_node(struct extract *x, const char *leaf, struct error *err) {
  const struct tar_entry *entry = &x->entry;
  mode_t type = entry->type == '3' ? S_IFCHR : entry->type == '4' ? S_IFBLK : S_IFIFO;
  dev_t device = makedev(entry->device_major, entry->device_minor);
  /* As in Docker: an image that brings device nodes is usable without them. */
  if (type != S_IFIFO && user_namespace_is_child())
    return 0;
  int made = entry->type == '2' ? symlinkat(entry->link, x->parent, leaf)
                                : mknodat(x->parent, leaf, type | entry->mode, device);
  struct timespec times[2] = {entry->mtime, entry->mtime};
  if (made < 0)
    return fail(x, err);
  if (fchownat(x->parent, leaf, owner(x), group(x), AT_SYMLINK_NOFOLLOW) < 0)
    return fail_owner(x, owner(x), group(x), err);
  if (utimensat(x->parent, leaf, times, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(x, err);
  return 0;
}

/* `.wh.NAME` hides NAME of the layers below; an entry NAME of this very layer wins over it. */
static int make_whiteout(struct extract *x, const char *leaf, struct error *err) {
  if (strcmp(leaf, OVERLAY_WHITEOUT_OPAQUE) == 0)
    return set_opaque(x, x->parent, err);
  if (strncmp(leaf, OVERLAY_WHITEOUT_META, strlen(OVERLAY_WHITEOUT_META)) == 0)
    return 0; /* aufs' own bookkeeping */
  const char *hidden = leaf + strlen(OVERLAY_WHITEOUT_PREFIX);
  if (*hidden == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
    return error_set(err, 0, "invalid whiteout \"%.256s\"", x->path);
  if (mknodat(x->parent, hidden, S_IFCHR, makedev(0, 0)) == 0)
    return 0;
  if (errno != EEXIST)
    return fail(x, err);
  autoclose int fd = openat(x->parent, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOTDIR || errno == ELOOP || errno == ENXIO ? 0 : fail(x, err);
  return set_opaque(x, fd, err);
}

/* The root itself keeps what it has, as in Docker, unless it comes whole. */
static int set_root(struct extract *x, struct error *err) {
  if (!x->options->whole || x->entry.type != '5')
    return 0;
  return set_attributes(x, x->base, err) < 0 ? -1 : remember_directory(x, err);
}

static int make_entry(struct extract *x, struct error *err) {
  if (rooted_clean(x->entry.name, x->path, err) < 0)
    return -1;
  if (x->path[0] == '\0')
    return set_root(x, err);
  const char *leaf = open_parent(x, err);
  if (!leaf)
    return -1;
  if (x->options->layer &&
      strncmp(leaf, OVERLAY_WHITEOUT_PREFIX, strlen(OVERLAY_WHITEOUT_PREFIX)) == 0)
    return make_whiteout(x, leaf, err);
  bool opaque = false;
  int place = clear_place(x, leaf, &opaque, err);
  if (place < 0)
    return -1;
  switch (x->entry.type) {
  case '0':
    return make_file(x, leaf, err);
  case '1':
    return make_hard_link(x, leaf, err);
  case '5':
    return make_directory(x, leaf, place == 1, opaque, err);
  default:
    return make_node(x, leaf, err);
  }
}

static int set_directory_times(struct extract *x, struct error *err) {
  for (size_t i = x->directory_count; i-- > 0;) {
    const struct directory_time *directory = &x->directories[i];
    /* Gone or replaced by a later entry: nothing to set. */
    autoclose int fd = rooted_open(x->base, *directory->path ? directory->path : ".",
                                   O_RDONLY | O_DIRECTORY, 0, ROOTED_STRICT);
    struct timespec times[2] = {directory->mtime, directory->mtime};
    if (fd >= 0 && futimens(fd, times) < 0)
      return error_set(err, errno, "%.256s", directory->path);
  }
  return 0;
}

static int extract_all(struct extract *x, struct error *err) {
  int found;
  while ((found = tar_reader_next(&x->reader, &x->entry, err)) > 0) {
    x->summary->entries++;
    if (make_entry(x, err) < 0)
      return -1;
  }
  if (found < 0 || tar_reader_drain(&x->reader, err) < 0)
    return -1;
  if (x->options->whole && (!x->reader.end_mark || x->summary->entries == 0))
    return error_set(err, 0, "archive is %s",
                     x->reader.end_mark ? "empty" : "truncated: no end mark");
  return set_directory_times(x, err);
}

static void free_extract(struct extract **x) {
  if (!*x)
    return;
  forget_parent(*x);
  for (size_t i = 0; i < (*x)->directory_count; i++)
    free((*x)->directories[i].path);
  free((*x)->directories);
  tar_reader_close(&(*x)->reader);
  free(*x);
}

static int extract_with(struct extract *x, int base, const struct extract_options *options,
                        struct extract_summary *summary, struct error *err) {
  *summary = (struct extract_summary){0};
  x->options = options;
  x->base = base;
  x->summary = summary;
  mode_t previous = umask(0);
  int result = extract_all(x, err);
  umask(previous);
  return result;
}

static struct extract *new_extract(struct error *err) {
  struct extract *x = calloc(1, sizeof *x);
  if (!x)
    error_set(err, ENOMEM, "extract");
  else
    x->parent = -1;
  return x;
}

int extract_archive(int input, int base, const struct extract_options *options,
                    struct extract_summary *summary, struct error *err) {
  __attribute__((cleanup(free_extract))) struct extract *x = new_extract(err);
  if (!x || tar_reader_open(&x->reader, input, err) < 0)
    return -1;
  return extract_with(x, base, options, summary, err);
}

int extract_stream(tar_read read, void *context, int base, const struct extract_options *options,
                   struct extract_summary *summary, struct error *err) {
  __attribute__((cleanup(free_extract))) struct extract *x = new_extract(err);
  if (!x || tar_reader_open_stream(&x->reader, read, context, err) < 0)
    return -1;
  return extract_with(x, base, options, summary, err);
}
