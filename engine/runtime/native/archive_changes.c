/*
 * gantry-shim archive-changes --upper DIR --lower DIR...: what a container changed, from its
 * overlay layers (topmost first), one JSON object a line: {"kind":0 modified|1 added|2
 * deleted,"path":"/..."}. The upper directory belongs to a container that may be running:
 * everything goes by descriptor, no link is followed.
 *
 * archive-written, with the same options: the same walk, but told is how much it is, a line for
 * each directory that holds some of it itself; directories below SUMMED_DEPTH count as part of the
 * one above. {"truncated":true} at the end: there is more than MAX_SUMMED files.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "link_table.h"
#include "overlay.h"
#include "user_namespace.h"

#define MAX_DEPTH 512
#define SUMMED_DEPTH 8
#define MAX_SUMMED 2000000

enum kind { MODIFIED = 0, ADDED = 1, DELETED = 2 };

/* What was written directly in one directory. */
struct sums {
  uint64_t files[3], bytes[3]; /* by kind; nothing has no bytes */
};

/* One run. `summing`: archive-written. */
struct walk {
  bool summing;
  uint64_t seen;
  struct link_table links;
};

/* One directory in all layers; lower ends with -1 and holds only real directories that are visible.
 */
struct level {
  const char *path;
  int upper;
  int *lower;
  bool told; /* its own change is already printed */
  struct walk *walk;
  struct sums *sums; /* of the directory that this one counts as */
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

static int count(struct level *level, enum kind kind, const struct stat *status,
                 struct error *err) {
  level->walk->seen++;
  if (S_ISDIR(status->st_mode))
    return 0;
  level->sums->files[kind]++;
  if (!S_ISREG(status->st_mode) || kind == DELETED)
    return 0;
  if (status->st_nlink > 1 && link_table_meet(&level->walk->links, status, "", err))
    return 0;
  level->sums->bytes[kind] += (uint64_t)status->st_size;
  return err->number ? -1 : 0;
}

static int note(struct level *level, enum kind kind, const char *path, const struct stat *status,
                struct error *err) {
  if (level->walk->summing)
    return count(level, kind, status, err);
  tell(level, kind, path);
  return 0;
}

static void print_sums(const char *path, const struct sums *sums) {
  const uint64_t *files = sums->files;
  if (files[ADDED] + files[MODIFIED] + files[DELETED] == 0)
    return;
  printf("{\"path\":");
  archive_json_string(stdout, *path ? path : "/");
  printf(",\"addedFiles\":%" PRIu64 ",\"addedBytes\":%" PRIu64 ",\"changedFiles\":%" PRIu64
         ",\"changedBytes\":%" PRIu64 ",\"deletedFiles\":%" PRIu64 "}\n",
         files[ADDED], sums->bytes[ADDED], files[MODIFIED], sums->bytes[MODIFIED], files[DELETED]);
}

static int compare_levels(struct level *level, int depth, struct error *err);

/* A directory's entries; deep ones count as the directory's above. */
static int compare_inside(struct level *inside, struct sums *above, int depth, struct error *err) {
  struct sums own = {0};
  bool apart = depth <= SUMMED_DEPTH;
  inside->sums = apart ? &own : above;
  if (compare_levels(inside, depth, err) < 0)
    return -1;
  if (apart && inside->walk->summing)
    print_sums(inside->path, &own);
  return 0;
}

static int compare_entry(struct level *level, const char *name, int depth, struct error *err) {
  char path[PATH_MAX];
  struct stat above, below;
  if (fstatat(level->upper, name, &above, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : error_set(err, errno, "%.256s/%.200s", level->path, name);
  if (snprintf(path, sizeof path, "%s/%s", level->path, name) >= (int)sizeof path)
    return error_set(err, ENAMETOOLONG, "%.256s", level->path);
  bool existed = exists_below(level, name, &below);
  if (overlay_is_whiteout(&above)) {
    return existed ? note(level, DELETED, path, &above, err) : 0;
  }
  bool changed = !existed || !same_directory(&above, &below);
  if (changed && note(level, existed ? MODIFIED : ADDED, path, &above, err) < 0)
    return -1;
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
  struct level inside = {path, upper, lower, changed, level->walk, NULL};
  return compare_inside(&inside, level->sums, depth + 1, err);
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
    if (result == 0 && level->walk->seen < MAX_SUMMED)
      result = compare_entry(level, entries[i]->d_name, depth, err);
    free(entries[i]);
  }
  free(entries);
  return result;
}

static int archive_changes(int argc, char **argv, struct walk *walk, struct error *err) {
  struct archive_root_options options;
  if (archive_root_parse(argc, argv, &options, err) < 0)
    return -1;
  if (!options.upper)
    return error_set(err, 0, "usage: %s --upper DIR --lower DIR...", argv[0]);
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
  struct level root = {"", upper, lower, false, walk, NULL};
  return compare_inside(&root, NULL, 0, err);
}

static int run(int argc, char **argv, bool summing) {
  struct error err = {0};
  struct walk walk = {.summing = summing};
  int result = archive_changes(argc, argv, &walk, &err);
  link_table_free(&walk.links);
  if (result < 0)
    return archive_fail(&err);
  if (walk.seen >= MAX_SUMMED)
    printf("{\"truncated\":true}\n");
  return fflush(stdout) == 0 ? 0 : 1;
}

int archive_changes_main(int argc, char **argv) {
  return run(argc, argv, false);
}

int archive_written_main(int argc, char **argv) {
  return run(argc, argv, true);
}
