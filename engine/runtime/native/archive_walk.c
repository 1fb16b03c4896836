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

/* As many as the kernel follows, path_resolution(7). */
#define MAX_LINKS 40

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

/* The components of `path` into `out`, "/a/b"; "." goes, ".." takes one away, and none above the
 * root. */
static int clean_in_root(const char *path, char out[PATH_MAX], struct error *err) {
  char *end = out;
  *end = '\0';
  for (const char *part = path; *(part += strspn(part, "/")); part += strcspn(part, "/")) {
    size_t length = strcspn(part, "/");
    if (length == 1 && *part == '.')
      continue;
    if (length == 2 && strncmp(part, "..", 2) == 0) {
      char *slash = strrchr(out, '/');
      end = slash ? slash : out;
      *end = '\0';
      continue;
    }
    if ((size_t)(end - out) + length + 2 > PATH_MAX)
      return error_set(err, ENAMETOOLONG, "%.256s", path);
    *end++ = '/';
    end = mempcpy(end, part, length);
    *end = '\0';
  }
  return 0;
}

/*
 * `path` again, with the link `leaf` of the open directory `parent` replaced by what it says:
 * nothing is there, but it can be made. `behind` is what follows the link in the path.
 */
static int follow_link(int proc, int root, int parent, const char *leaf, const char *behind,
                       char path[PATH_MAX], struct error *err) {
  char place[PATH_MAX], target[PATH_MAX], joined[3 * PATH_MAX];
  ssize_t length = readlinkat(parent, leaf, target, sizeof target - 1);
  if (length < 0)
    return error_set(err, errno, "%.256s", path);
  target[length] = '\0';
  if (place_of(proc, root, parent, place, err) < 0)
    return -1;
  snprintf(joined, sizeof joined, "%s/%s/%s", *target == '/' ? "" : place, target, behind);
  return clean_in_root(joined, path, err);
}

/*
 * Opens as much of `path` as there is; `*rest` is what follows, without "/" at its beginning. Links
 * whose end is missing are followed as far as their words go (Docker makes what they name); `path`
 * is then what they lead to.
 */
static int open_existing(int proc, int root, char path[PATH_MAX], const char **rest,
                         struct error *err) {
  char prefix[PATH_MAX];
  strcpy(prefix, path);
  for (int links = 0; links < MAX_LINKS;) {
    int fd = rooted_open(root, *prefix ? prefix : "/", O_PATH, 0, ROOTED_IN_ROOT);
    char *slash = strrchr(prefix, '/');
    if (fd >= 0) {
      *rest = path + strlen(prefix);
      *rest += strspn(*rest, "/");
      return fd;
    }
    if (errno != ENOENT || !slash)
      return error_set(err, errno, "%.256s", path);
    struct stat status;
    const char *behind = path + strlen(prefix);
    *slash = '\0';
    autoclose int parent =
        rooted_open(root, *prefix ? prefix : "/", O_PATH | O_DIRECTORY, 0, ROOTED_IN_ROOT);
    if (parent < 0 || fstatat(parent, slash + 1, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISLNK(status.st_mode))
      continue;
    char kept[PATH_MAX];
    strcpy(kept, behind);
    if (follow_link(proc, root, parent, slash + 1, kept, path, err) < 0)
      return -1;
    strcpy(prefix, path);
    links++;
  }
  return error_set(err, ELOOP, "%.256s", path);
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
  char path[PATH_MAX], place[PATH_MAX];
  if (strlen(argv[first]) >= sizeof path)
    return error_set(err, ENAMETOOLONG, "%.256s", argv[first]);
  strcpy(path, argv[first]);
  autoclose int found = open_existing(proc, root, path, &rest, err);
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
