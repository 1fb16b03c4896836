/*
 * gantry-shim clamp-times UPPER SECONDS: nothing in the tree was changed later than SECONDS after
 * the epoch (SOURCE_DATE_EPOCH, https://reproducible-builds.org/specs/source-date-epoch/).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "commands.h"
#include "descriptor.h"
#include "directory.h"

#define MAX_DEPTH 512

static int clamp_directory(int fd, time_t latest, int depth, struct error *err);

/* SECURITY: the tree was a container's: links are touched themselves, never what they lead to. */
static int clamp_entry(int parent, const char *leaf, time_t latest, int depth, struct error *err) {
  struct stat status;
  if (fstatat(parent, leaf, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return error_set(err, errno, "%.256s", leaf);
  if (S_ISDIR(status.st_mode)) {
    autoclose int fd = openat(parent, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
      return error_set(err, errno, "open %.256s", leaf);
    if (clamp_directory(fd, latest, depth + 1, err) < 0)
      return -1;
  }
  if (status.st_mtim.tv_sec < latest ||
      (status.st_mtim.tv_sec == latest && status.st_mtim.tv_nsec == 0))
    return 0;
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = latest}};
  if (utimensat(parent, leaf, times, AT_SYMLINK_NOFOLLOW) < 0)
    return error_set(err, errno, "set the time of %.256s", leaf);
  return 0;
}

static int clamp_directory(int fd, time_t latest, int depth, struct error *err) {
  if (depth > MAX_DEPTH)
    return error_set(err, ENAMETOOLONG, "set times: too many directories in each other");
  autoclose_directory DIR *directory = directory_open(fd);
  if (!directory)
    return error_set(err, errno, "read directory");
  struct dirent *entry;
  int more;
  while ((more = directory_next(directory, &entry, err)) > 0) {
    if (clamp_entry(fd, entry->d_name, latest, depth, err) < 0)
      return -1;
  }
  return more;
}

static int clamp_times(const char *path, time_t latest, struct error *err) {
  autoclose int upper = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (upper < 0)
    return error_set(err, errno, "open %.256s", path);
  archive_raise_file_limit();
  return clamp_directory(upper, latest, 0, err);
}

int clamp_times_main(int argc, char **argv) {
  char *end = NULL;
  long long latest = argc == 3 ? strtoll(argv[2], &end, 10) : -1;
  if (latest < 0 || *end != '\0') {
    fprintf(stderr, "usage: gantry-shim clamp-times UPPER SECONDS\n");
    return 2;
  }
  struct error err = {0};
  return clamp_times(argv[1], (time_t)latest, &err) < 0 ? archive_fail(&err) : 0;
}
