#include "archive_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "descriptor.h"
#include "directory.h"
#include "link_table.h"
#include "overlay.h"
#include "rooted.h"
#include "user_namespace.h"

#define MAX_DEPTH 512
#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

struct tree {
  struct tar_writer *writer;
  bool layer; /* an overlay upper directory: its whiteouts are told, everything in it is data */
  struct link_table links;
};

bool archive_is_kernel_file(int fd) {
  static const unsigned long kinds[] = {
      PROC_SUPER_MAGIC, SYSFS_MAGIC,   CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC,
      MQUEUE_MAGIC,     DEBUGFS_MAGIC, TRACEFS_MAGIC,      SECURITYFS_MAGIC,    BPF_FS_MAGIC};
  struct statfs status;
  if (fstatfs(fd, &status) < 0)
    return true;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if ((unsigned long)status.f_type == kinds[i])
      return true;
  }
  return false;
}

static int write_file(struct tree *tree, int parent, const char *leaf, const char *name,
                      struct error *err) {
  /* SECURITY: between stat and open it may become a fifo or a device: never block, look again. */
  autoclose int fd =
      openat(parent, leaf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 && errno == ENOENT)
    return 0;
  if (fd < 0 || fstat(fd, &status) < 0)
    return error_set(err, errno, "%.256s", name);
  if (!S_ISREG(status.st_mode))
    return 0;
  struct tar_item item = {.name = name, .status = &status, .xattrs_from = fd};
  if (status.st_nlink > 1) {
    item.link = link_table_meet(&tree->links, &status, name, err);
    item.hard_link = item.link != NULL;
    if (err->number)
      return -1;
  }
  if (tar_writer_item(tree->writer, &item, err) < 0)
    return -1;
  if (item.hard_link)
    return 0;
  return tar_writer_content(tree->writer, fd, (uint64_t)status.st_size, err);
}

static int write_entry(struct tree *tree, int parent, const char *leaf, const char *path,
                       const char *name, int depth, struct error *err);

/* `base` + "/" + `leaf` into `out`; "" and "/" as base give the leaf alone and "/leaf". */
static int join(char out[PATH_MAX], const char *base, const char *leaf, struct error *err) {
  size_t length = strlen(base);
  bool slash = length > 0 && base[length - 1] != '/';
  if (length + strlen(leaf) + 2 > PATH_MAX)
    return error_set(err, ENAMETOOLONG, "%.256s", base);
  char *end = mempcpy(out, base, length);
  if (slash)
    *end++ = '/';
  stpcpy(end, leaf);
  return 0;
}

/* `.wh.NAME`, an empty file (OCI image-spec, "Whiteouts"), with the time of what tells it. */
static int write_whiteout(struct tree *tree, const char *name, const struct stat *status,
                          struct error *err) {
  char hidden[PATH_MAX];
  const char *slash = strrchr(name, '/'), *leaf = slash ? slash + 1 : name;
  size_t length = (size_t)(leaf - name);
  if (length + strlen(leaf) + sizeof OVERLAY_WHITEOUT_PREFIX > sizeof hidden)
    return error_set(err, ENAMETOOLONG, "%.256s", name);
  stpcpy(stpcpy(mempcpy(hidden, name, length), OVERLAY_WHITEOUT_PREFIX), leaf);
  struct stat empty = {.st_mode = S_IFREG, .st_mtim = status->st_mtim};
  struct tar_item item = {.name = hidden, .status = &empty, .xattrs_from = -1};
  return tar_writer_item(tree->writer, &item, err);
}

/* A directory that hides what the layers below have in it says so before its own entries. */
static int write_opaque(struct tree *tree, int fd, const char *slashed, const struct stat *status,
                        struct error *err) {
  char value, name[PATH_MAX];
  if (fgetxattr(fd, user_namespace_opaque_xattr(), &value, 1) != 1 || value != 'y')
    return 0;
  if (join(name, slashed, OVERLAY_WHITEOUT_OPAQUE, err) < 0)
    return -1;
  struct stat empty = {.st_mode = S_IFREG, .st_mtim = status->st_mtim};
  struct tar_item item = {.name = name, .status = &empty, .xattrs_from = -1};
  return tar_writer_item(tree->writer, &item, err);
}

static int write_children(struct tree *tree, int fd, const char *path, const char *name, int depth,
                          struct error *err) {
  struct dirent **entries;
  int count = directory_sorted(fd, &entries);
  if (count < 0)
    return error_set(err, errno, "read directory %.256s", path);
  int result = 0;
  for (int i = 0; i < count; i++) {
    char child_path[PATH_MAX], child_name[PATH_MAX];
    if (result == 0 &&
        (join(child_path, path, entries[i]->d_name, err) < 0 ||
         join(child_name, name, entries[i]->d_name, err) < 0 ||
         write_entry(tree, fd, entries[i]->d_name, child_path, child_name, depth, err) < 0))
      result = -1;
    free(entries[i]);
  }
  free(entries);
  return result;
}

static int write_directory(struct tree *tree, int fd, const char *path, const char *name, int depth,
                           struct error *err) {
  struct stat status;
  if (depth > MAX_DEPTH)
    return error_set(err, ENAMETOOLONG, "%.256s", path);
  if (fstat(fd, &status) < 0)
    return error_set(err, errno, "%.256s", path);
  char slashed[PATH_MAX];
  if (*name) {
    if (join(slashed, name, "", err) < 0)
      return -1;
    struct tar_item item = {.name = slashed, .status = &status, .xattrs_from = fd};
    if (tar_writer_item(tree->writer, &item, err) < 0)
      return -1;
    if (tree->layer && write_opaque(tree, fd, slashed, &status, err) < 0)
      return -1;
  }
  if (!tree->layer && (archive_is_kernel_file(fd) || strcmp(path, "/dev") == 0))
    return 0;
  return write_children(tree, fd, path, name, depth + 1, err);
}

static int write_link(struct tree *tree, int parent, const char *leaf, const struct stat *status,
                      const char *name, struct error *err) {
  char target[PATH_MAX];
  ssize_t length = readlinkat(parent, leaf, target, sizeof target - 1);
  if (length < 0)
    return errno == ENOENT || errno == EINVAL ? 0 : error_set(err, errno, "%.256s", name);
  target[length] = '\0';
  struct tar_item item = {.name = name, .link = target, .status = status, .xattrs_from = -1};
  return tar_writer_item(tree->writer, &item, err);
}

static int write_entry(struct tree *tree, int parent, const char *leaf, const char *path,
                       const char *name, int depth, struct error *err) {
  struct stat status;
  if (fstatat(parent, leaf, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : error_set(err, errno, "%.256s", path);
  if (S_ISREG(status.st_mode))
    return write_file(tree, parent, leaf, name, err);
  if (S_ISLNK(status.st_mode))
    return write_link(tree, parent, leaf, &status, name, err);
  if (S_ISDIR(status.st_mode)) {
    autoclose int fd = openat(parent, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
      return errno == ENOENT || errno == ENOTDIR ? 0 : error_set(err, errno, "%.256s", path);
    return write_directory(tree, fd, path, name, depth, err);
  }
  if (S_ISSOCK(status.st_mode))
    return 0;
  if (tree->layer && overlay_is_whiteout(&status))
    return write_whiteout(tree, name, &status, err);
  struct tar_item item = {.name = name, .status = &status, .xattrs_from = -1};
  return tar_writer_item(tree->writer, &item, err);
}

int archive_tree(struct tar_writer *writer, int parent, const char *leaf, const char *path,
                 const char *name, struct error *err) {
  struct tree tree = {.writer = writer};
  int result = write_entry(&tree, parent, leaf, path, name, 0, err);
  link_table_free(&tree.links);
  return result;
}

int archive_layer(struct tar_writer *writer, int directory, struct error *err) {
  struct tree tree = {.writer = writer, .layer = true};
  int result = write_children(&tree, directory, "", "", 0, err);
  link_table_free(&tree.links);
  return result;
}
