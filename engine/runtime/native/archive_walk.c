/*
 * gantry-shim archive-walk ROOT-OPTIONS PATH: where PATH is in a container's root once its links
 * are followed, for who wants to lay a file there by a layer. The first line is the part of PATH
 * that does not exist, then comes a line for every directory (and at last the file) on the way.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "commands.h"
#include "descriptor.h"
#include "rooted.h"

/* Place of an open file below the root; "" is the root itself. `proc` is the host's procfs. */
static int place_of(int proc, int root, int fd, char out[PATH_MAX], struct error *err) {
  char name[64], prefix[PATH_MAX];
  snprintf(name, sizeof name, "self/fd/%d", root);
  ssize_t skip = readlinkat(proc, name, prefix, sizeof prefix - 1);
  snprintf(name, sizeof name, "self/fd/%d", fd);
  ssize_t length = readlinkat(proc, name, out, PATH_MAX - 1);
  if (skip < 0 || length < 0)
    return error_set(err, errno, "find the place of a file");
  out[length] = '\0';
  if (skip == 1)
    skip = 0; /* the root is "/" */
  if (length < skip || strncmp(out, prefix, (size_t)skip) != 0)
    return error_set(err, ENAMETOOLONG, "the place of a file");
  memmove(out, out + skip, (size_t)(length - skip) + 1);
  if (strcmp(out, "/") == 0)
    *out = '\0';
  return 0;
}

/* Opens as much of `path` as there is; `*rest` is what follows, without "/" at its beginning. */
static int open_existing(int root, const char *path, const char **rest, struct error *err) {
  char prefix[PATH_MAX];
  if (strlen(path) >= sizeof prefix)
    return error_set(err, ENAMETOOLONG, "%.256s", path);
  strcpy(prefix, path);
  for (;;) {
    int fd = rooted_open(root, *prefix ? prefix : "/", O_PATH, 0, ROOTED_IN_ROOT);
    char *slash = strrchr(prefix, '/');
    if (fd >= 0) {
      *rest = path + strlen(prefix);
      *rest += strspn(*rest, "/");
      return fd;
    }
    if (errno != ENOENT || !slash)
      return error_set(err, errno, "%.256s", path);
    /* A link whose end is missing: what is made below it would not be seen. */
    struct stat status;
    autoclose int parent = -1;
    *slash = '\0';
    parent = rooted_open(root, *prefix ? prefix : "/", O_PATH | O_DIRECTORY, 0, ROOTED_IN_ROOT);
    if (parent >= 0 && fstatat(parent, slash + 1, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(status.st_mode))
      return error_set(err, ENOENT, "%.256s is a link to nowhere", path);
  }
}

static int print_component(int root, const char *place, struct error *err) {
  autoclose int fd = rooted_open(root, *place ? place : "/", O_PATH, 0, ROOTED_IN_ROOT);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0)
    return error_set(err, errno, "%.256s", place);
  printf("{\"path\":");
  archive_json_string(stdout, place);
  printf(",\"mode\":%u,\"uid\":%u,\"gid\":%u,\"seconds\":%lld,\"nanoseconds\":%ld}\n",
         status.st_mode, status.st_uid, status.st_gid, (long long)status.st_mtim.tv_sec,
         status.st_mtim.tv_nsec);
  return 0;
}

static int archive_walk(int argc, char **argv, struct error *err) {
  struct archive_root_options options;
  autoclose int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int first = archive_root_parse(argc, argv, &options, err);
  if (first < 0)
    return -1;
  if (first + 1 != argc || argv[first][0] != '/')
    return error_set(err, 0, "usage: archive-walk ROOT-OPTIONS PATH");
  autoclose int root = archive_root_open(&options, false, err);
  if (root < 0)
    return -1;
  const char *rest = "";
  char place[PATH_MAX];
  autoclose int found = open_existing(root, argv[first], &rest, err);
  if (found < 0 || place_of(proc, root, found, place, err) < 0)
    return -1;
  printf("{\"rest\":");
  archive_json_string(stdout, rest);
  printf("}\n");
  for (char *end = place; end; end = strchr(end + 1, '/')) {
    char kept = *end;
    *end = '\0';
    if (print_component(root, place, err) < 0)
      return -1;
    *end = kept;
    if (!kept)
      break;
  }
  if (*place && print_component(root, place, err) < 0)
    return -1;
  return fflush(stdout) == 0 ? 0 : error_set(err, errno, "write");
}

int archive_walk_main(int argc, char **argv) {
  struct error err = {0};
  return archive_walk(argc, argv, &err) < 0 ? archive_fail(&err) : 0;
}
