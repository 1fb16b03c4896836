/*
 * gantry-shim copy-up PATH TARGET LOWER...: what an image (its layers, topmost first) has at PATH
 * becomes the content of the volume directory TARGET, owner, mode and times of the directory itself
 * included, unless something is in there. ENOTDIR when the image has something else at PATH;
 * nothing is done when it has nothing.
 *
 * gantry-shim find-directory PATH LOWER...: ENOTDIR as above, ENOENT when the image has nothing.
 *
 * gantry-shim finish-copy-up TARGET: what a copy-up that was killed has left is gone or whole.
 *
 * Whole or not at all: the content is copied into a directory inside of TARGET, which has another
 * name once it is whole; then its entries move up.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "archive_tree.h"
#include "commands.h"
#include "descriptor.h"
#include "directory.h"
#include "extract.h"
#include "rooted.h"

/* As volume-directories.ts knows them. */
#define FILLING ".gantry-filling"
#define FILLED ".gantry-filled"

/* The writing half, in a child: one extractor and one writer are all the code there is for copying
 * trees. */
static void send_tree(int from, int output) {
  struct error err = {0};
  struct tar_writer writer;
  if (tar_writer_open(&writer, output, &err) < 0 ||
      archive_tree(&writer, from, ".", "", "/", &err) < 0 || tar_writer_finish(&writer, &err) < 0)
    _exit(archive_fail(&err));
  _exit(0);
}

static int copy_tree_through_pipe(int from, int to, struct error *err) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0)
    return error_set(err, errno, "pipe");
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    send_tree(from, ends[1]);
  }
  close(ends[1]);
  autoclose int input = ends[0];
  if (child < 0)
    return error_set(err, errno, "fork");
  const struct extract_options options = {.root = to, .base_path = ""};
  struct extract_summary summary;
  int result = extract_archive(input, to, &options, &summary, err);
  close_fd(&input);
  int status;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  if (result == 0 && status != 0)
    return error_set(err, 0, "reading the image's content failed");
  return result;
}

/* Fails with EEXIST where `to` has the name already. */
static int rename_up(int staging, int to, const char *name) {
  if (renameat2(staging, name, to, name, RENAME_NOREPLACE) == 0)
    return 0;
  /* A file system without that flag, such as NFS. */
  if (errno != EINVAL)
    return -1;
  if (faccessat(to, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
    return renameat(staging, name, to, name);
  errno = EEXIST;
  return -1;
}

/* What is there already keeps its place. */
static int move_up(int staging, int to, const char *name, struct error *err) {
  if (rename_up(staging, to, name) == 0)
    return 0;
  return errno == EEXIST ? rooted_remove(staging, name, err)
                         : error_set(err, errno, "%.256s", name);
}

/* Moves what is whole to where it belongs; also the rest of what an earlier one has moved. */
static int publish(int to, struct error *err) {
  autoclose int staging =
      rooted_open(to, FILLED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, ROOTED_STRICT);
  struct stat status;
  if (staging < 0 || fstat(staging, &status) < 0)
    return error_set(err, errno, "%s", FILLED);
  autoclose_directory DIR *directory = directory_open(staging);
  if (!directory)
    return error_set(err, errno, "read %s", FILLED);
  struct dirent *entry;
  int more;
  while ((more = directory_next(directory, &entry, err)) > 0) {
    if (move_up(staging, to, entry->d_name, err) < 0)
      return -1;
  }
  struct timespec times[2] = {status.st_atim, status.st_mtim};
  if (more < 0)
    return -1;
  if (fchown(to, status.st_uid, status.st_gid) < 0 || fchmod(to, status.st_mode & 07777) < 0 ||
      unlinkat(to, FILLED, AT_REMOVEDIR) < 0 || futimens(to, times) < 0)
    return error_set(err, errno, "%s", FILLED);
  return 0;
}

static int copy_into(int staging, int from, struct error *err) {
  struct stat status;
  if (fstat(from, &status) < 0)
    return error_set(err, errno, "read the image's directory");
  if (copy_tree_through_pipe(from, staging, err) < 0)
    return -1;
  struct timespec times[2] = {status.st_atim, status.st_mtim};
  if (fchown(staging, status.st_uid, status.st_gid) < 0 ||
      fchmod(staging, status.st_mode & 07777) < 0 || futimens(staging, times) < 0)
    return error_set(err, errno, "%s", FILLING);
  return 0;
}

/*
 * Takes turns, until the descriptor is closed, with others that fill the same volume, and with one
 * that a killed engine has left. SECURITY: containers can lock what they see of the volume, but not
 * the engine's directory around it.
 */
static int lock(int volume, struct error *err) {
  autoclose int place = openat(volume, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int result;
  do
    result = place < 0 ? -1 : flock(place, LOCK_EX);
  while (result < 0 && errno == EINTR);
  return result < 0 ? error_set(err, errno, "lock the volume") : take_fd(&place);
}

/* 1: nothing is in there, 0: something is. What an earlier copy-up has left is settled first. */
static int settle(int to, struct error *err) {
  struct stat status;
  if (fstatat(to, FILLED, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
    return publish(to, err);
  if (rooted_remove(to, FILLING, err) < 0)
    return -1;
  autoclose_directory DIR *directory = directory_open(to);
  struct dirent *entry;
  if (!directory)
    return error_set(err, errno, "read the volume");
  int more = directory_next(directory, &entry, err);
  return more < 0 ? -1 : !more;
}

static int fill(int to, int from, struct error *err) {
  autoclose int turn = lock(to, err);
  if (turn < 0)
    return -1;
  int empty = settle(to, err);
  if (empty <= 0)
    return empty;
  if (mkdirat(to, FILLING, 0700) < 0)
    return error_set(err, errno, "make %s", FILLING);
  autoclose int staging =
      rooted_open(to, FILLING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, ROOTED_STRICT);
  if (staging < 0)
    error_set(err, errno, "%s", FILLING);
  else if (copy_into(staging, from, err) == 0) {
    if (renameat(to, FILLING, to, FILLED) == 0)
      return publish(to, err);
    error_set(err, errno, "%s", FILLING);
  }
  struct error ignored = {0};
  rooted_remove(to, FILLING, &ignored);
  return -1;
}

/* The image's directory; *fd stays -1 when the image has nothing there. */
static int open_directory(const char *path, int lower_count, char **lower, int *fd,
                          struct error *err) {
  struct archive_root_options image = {.lower = (const char **)lower,
                                       .lower_count = (size_t)lower_count};
  autoclose int root = archive_root_open(&image, false, err);
  if (root < 0)
    return -1;
  /* SECURITY: 2022-23648: a VOLUME path through links of the image stays inside the image. */
  *fd = rooted_open(root, path, O_RDONLY | O_DIRECTORY, 0, ROOTED_IN_ROOT);
  if (*fd >= 0 || errno == ENOENT)
    return 0;
  if (errno != ENOTDIR)
    return error_set(err, errno, "%.256s", path);
  /* It is no directory, or something on the way to it is none. */
  autoclose int file = rooted_open(root, path, O_PATH, 0, ROOTED_IN_ROOT);
  return file < 0 ? 0 : error_set(err, ENOTDIR, "%.256s", path);
}

static int open_volume(const char *target, struct error *err) {
  int to = open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return to < 0 ? error_set(err, errno, "open %.256s", target) : to;
}

int copy_up_main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: gantry-shim copy-up PATH TARGET LOWER...\n");
    return 2;
  }
  struct error err = {0};
  /* Opened before the namespace changes. */
  autoclose int to = open_volume(argv[2], &err);
  autoclose int from = -1;
  if (to < 0 || open_directory(argv[1], argc - 3, argv + 3, &from, &err) < 0)
    return archive_fail(&err);
  return from >= 0 && fill(to, from, &err) < 0 ? archive_fail(&err) : 0;
}

int find_directory_main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: gantry-shim find-directory PATH LOWER...\n");
    return 2;
  }
  struct error err = {0};
  autoclose int from = -1;
  if (open_directory(argv[1], argc - 2, argv + 2, &from, &err) == 0 && from < 0)
    error_set(&err, ENOENT, "%.256s", argv[1]);
  return from < 0 ? archive_fail(&err) : 0;
}

int finish_copy_up_main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: gantry-shim finish-copy-up TARGET\n");
    return 2;
  }
  struct error err = {0};
  autoclose int to = open_volume(argv[1], &err);
  autoclose int turn = to < 0 ? -1 : lock(to, &err);
  return turn < 0 || settle(to, &err) < 0 ? archive_fail(&err) : 0;
}
