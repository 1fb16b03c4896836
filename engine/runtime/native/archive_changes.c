/*
 * gantry-shim archive-changes --upper DIR --lower DIR...: what a container changed, from its
 * overlay layers (topmost first), one JSON object a line: {"kind":0 modified|1 added|2
 * deleted,"path":"/..."}. The upper directory belongs to a container that may be running:
 * everything goes by descriptor, no link is followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "commands.h"
#include "descriptor.h"
#include "directory.h"
#include "layer_mount.h"
#include "overlay.h"
#include "user_namespace.h"

#define MAX_DEPTH 512

enum kind { MODIFIED = 0, ADDED = 1, DELETED = 2 };

/* One directory in all layers; lower ends with -1 and holds only real directories that are visible.
 */
struct level {
  const char *path;
  int upper;
  int *lower;
  bool told; /* its own change is already printed */
};

static void print_change(enum kind kind, const char *path) {
  printf("{\"kind\":%d,\"path\":", kind);
  archive_json_string(stdout, path);
  printf("}\n");
}

static bool is_opaque(int directory) {
  char value;
  return fgetxattr(directory, user_namespace_opaque_xattr(), &value, 1) == 1 && value == 'y';
}

/* Looks `name` up in the lower layers as overlay does. */
static bool exists_below(const struct level *level, const char *name, struct stat *status) {
  for (const int *fd = level->lower; *fd >= 0; fd++) {
    if (fstatat(*fd, name, status, AT_SYMLINK_NOFOLLOW) == 0)
      return !overlay_is_whiteout(status);
  }
  return false;
}

static void close_all(int **fds) {
  for (int *fd = *fds; fd && *fd >= 0; fd++)
    close(*fd);
  free(*fds);
}

/* The lower directories that shine through the directory `name`; NULL without memory. */
static int *open_below(const struct level *level, const char *name, bool opaque) {
  size_t count = 0;
  while (level->lower[count] >= 0)
    count++;
  int *fds = malloc((count + 1) * sizeof *fds);
  if (!fds)
    return NULL;
  size_t used = 0;
  for (size_t i = 0; i < count && !opaque; i++) {
    struct stat status;
    if (fstatat(level->lower[i], name, &status, AT_SYMLINK_NOFOLLOW) < 0)
      continue;
    int fd = S_ISDIR(status.st_mode)
                 ? openat(level->lower[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                 : -1;
    if (fd < 0)
      break; /* a file or whiteout hides what is below it */
    fds[used++] = fd;
    opaque = is_opaque(fd);
  }
  fds[used] = -1;
  return fds;
}

/* Copied up only because something inside changed. */
static bool same_directory(const struct stat *a, const struct stat *b) {
  return S_ISDIR(a->st_mode) && S_ISDIR(b->st_mode) && a->st_mode == b->st_mode &&
         a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
         a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void tell(struct level *level, enum kind kind, const char *path) {
  /* As in Docker: a directory that got or lost an entry is a modified one. */
  if (kind != MODIFIED && !level->told && *level->path) {
    print_change(MODIFIED, level->path);
    level->told = true;
  }
  print_change(kind, path);
}

static int compare_levels(struct level *level, int depth, struct error *err);

static int compare_entry(struct level *level, const char *name, int depth, struct error *err) {
  char path[PATH_MAX];
  struct stat above, below;
  if (fstatat(level->upper, name, &above, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : error_set(err, errno, "%.256s/%.200s", level->path, name);
  if (snprintf(path, sizeof path, "%s/%s", level->path, name) >= (int)sizeof path)
    return error_set(err, ENAMETOOLONG, "%.256s", level->path);
  bool existed = exists_below(level, name, &below);
  if (overlay_is_whiteout(&above)) {
    if (existed)
      tell(level, DELETED, path);
    return 0;
  }
  bool changed = !existed || !same_directory(&above, &below);
  if (changed)
    tell(level, existed ? MODIFIED : ADDED, path);
  if (!S_ISDIR(above.st_mode))
    return 0;
  autoclose int upper = openat(level->upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (upper < 0)
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
               ? 0
               : error_set(err, errno, "%.256s", path);
  __attribute__((cleanup(close_all))) int *lower = open_below(level, name, is_opaque(upper));
  if (!lower)
    return error_set(err, ENOMEM, "changes");
  struct level inside = {path, upper, lower, changed};
  return compare_levels(&inside, depth + 1, err);
}

static int compare_levels(struct level *level, int depth, struct error *err) {
  struct dirent **entries;
  if (depth > MAX_DEPTH)
    return error_set(err, ENAMETOOLONG, "%.256s", level->path);
  int count = directory_sorted(level->upper, &entries);
  if (count < 0)
    return error_set(err, errno, "read directory %.256s", level->path);
  int result = 0;
  for (int i = 0; i < count; i++) {
    if (result == 0)
      result = compare_entry(level, entries[i]->d_name, depth, err);
    free(entries[i]);
  }
  free(entries);
  return result;
}

static int archive_changes(int argc, char **argv, struct error *err) {
  struct archive_root_options options;
  if (archive_root_parse(argc, argv, &options, err) < 0)
    return -1;
  if (!options.upper)
    return error_set(err, 0, "usage: archive-changes --upper DIR --lower DIR...");
  __attribute__((cleanup(close_all))) int *lower =
      malloc((options.lower_count + 1) * sizeof *lower);
  if (!lower)
    return error_set(err, ENOMEM, "changes");
  lower[0] = -1;
  for (size_t i = 0; i < options.lower_count; i++) {
    autoclose int layer = layer_mount_open(options.lower[i], err);
    lower[i] = layer < 0 ? -1 : openat(layer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    lower[i + 1] = -1;
    if (layer < 0)
      return -1;
    if (lower[i] < 0)
      return error_set(err, errno, "open %.256s", options.lower[i]);
  }
  autoclose int upper = open(options.upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (upper < 0)
    return error_set(err, errno, "open %.256s", options.upper);
  archive_raise_file_limit();
  struct level root = {"", upper, lower, false};
  return compare_levels(&root, 0, err);
}

int archive_changes_main(int argc, char **argv) {
  struct error err = {0};
  if (archive_changes(argc, argv, &err) < 0)
    return archive_fail(&err);
  return fflush(stdout) == 0 ? 0 : 1;
}
