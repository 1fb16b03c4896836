/*
 * gantry-shim archive-stat|archive-get|archive-list ROOT-OPTIONS PATH: reads of a container's
 * files. PATH is absolute and clean; its last component is not followed when it is a link, unless
 * `--follow` is the word after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "archive_tree.h"
#include "commands.h"
#include "descriptor.h"
#include "directory.h"
#include "rooted.h"

/* Entries of one directory listing; more than a person reads. */
#define MAX_LISTED 20000

struct request {
  int root;
  int parent; /* directory of the last component */
  int target; /* O_PATH of what the path names */
  const char *path;
  bool engine_made_dev; /* /dev is the engine's, not data */
  char leaf[NAME_MAX + 1];
  struct stat status;
};

static void close_request(struct request *request) {
  close_fd(&request->root);
  close_fd(&request->parent);
  close_fd(&request->target);
}

/* Resolves parent and target once each; what follows works on descriptors. */
static int open_request(int argc, char **argv, struct request *request, struct error *err) {
  struct archive_root_options options;
  int first = archive_root_parse(argc, argv, &options, err);
  if (first < 0)
    return -1;
  if (first >= argc || argv[first][0] != '/')
    return error_set(err, 0, "usage: %s ROOT-OPTIONS PATH [--follow|NAME]...", argv[0]);
  request->path = argv[first];
  request->engine_made_dev = !options.directory;
  bool follow = argc > first + 1 && strcmp(argv[argc - 1], "--follow") == 0;
  /* Mount points of volumes may have to be made before they can be read. */
  request->root = archive_root_open(&options, options.bind_count > 0, err);
  if (request->root < 0)
    return -1;
  request->parent = archive_open_parent(request->root, request->path, O_PATH, request->leaf, err);
  if (request->parent < 0)
    return -1;
  if (follow) {
    /* A trailing slash or "/.": the directory behind the name. */
    request->target =
        rooted_open(request->root, request->path, O_PATH | O_DIRECTORY, 0, ROOTED_IN_ROOT);
    close_fd(&request->parent);
    request->parent = request->target < 0 ? -1 : fcntl(request->target, F_DUPFD_CLOEXEC, 0);
    strcpy(request->leaf, ".");
  } else {
    request->target = openat(request->parent, request->leaf, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  }
  if (request->target < 0 || fstat(request->target, &request->status) < 0)
    return error_set(err, errno, "%.256s", request->path);
  /* As in Docker, whose view of a container has no /proc and /sys: their files are not there, only
   * the places. */
  if (archive_is_kernel_file(request->target) && archive_is_kernel_file(request->parent) &&
      strcmp(request->leaf, ".") != 0)
    return error_set(err, ENOENT, "%.256s", request->path);
  return 0;
}

/* Where a link ends inside the root, as the kernel resolves it; its own text when it dangles. */
static void print_link(const struct request *request, int proc) {
  char text[PATH_MAX], name[64];
  autoclose int end = rooted_open(request->root, request->path, O_PATH, 0, ROOTED_IN_ROOT);
  ssize_t length = -1;
  if (end >= 0 && proc >= 0) {
    snprintf(name, sizeof name, "self/fd/%d", end);
    length = readlinkat(proc, name, text, sizeof text - 1);
  }
  if (length > 0) {
    text[length] = '\0';
    char prefix[PATH_MAX];
    snprintf(name, sizeof name, "self/fd/%d", request->root);
    ssize_t skip = readlinkat(proc, name, prefix, sizeof prefix - 1);
    if (skip > 1 && strncmp(text, prefix, (size_t)skip) == 0)
      memmove(text, text + skip, (size_t)(length - skip) + 1);
    printf(",\"target\":");
    archive_json_string(stdout, *text ? text : "/");
  }
  length = readlinkat(request->parent, request->leaf, text, sizeof text - 1);
  text[length < 0 ? 0 : length] = '\0';
  printf(",\"link\":");
  archive_json_string(stdout, text);
}

static void print_status(const struct stat *status) {
  printf("\"mode\":%u,\"size\":%lld,\"seconds\":%lld,\"nanoseconds\":%ld", status->st_mode,
         (long long)status->st_size, (long long)status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
}

static int print_stat_line(const struct request *request, int proc) {
  printf("{");
  print_status(&request->status);
  if (S_ISLNK(request->status.st_mode))
    print_link(request, proc);
  printf("}\n");
  return fflush(stdout);
}

int archive_stat_main(int argc, char **argv) {
  struct error err = {0};
  /* The host's procfs: the container's is not trusted with our paths. */
  autoclose int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  __attribute__((cleanup(close_request))) struct request request = {-1, -1, -1, .path = ""};
  if (open_request(argc, argv, &request, &err) < 0)
    return archive_fail(&err);
  return print_stat_line(&request, proc) == 0 ? 0 : 1;
}

static int write_archive(const struct request *request, const char *name, struct error *err) {
  __attribute__((cleanup(tar_writer_close))) struct tar_writer writer;
  if (tar_writer_open(&writer, STDOUT_FILENO, err) < 0 ||
      archive_tree(&writer, request->parent, request->leaf,
                   request->engine_made_dev ? request->path : "", name, err) < 0)
    return -1;
  return tar_writer_finish(&writer, err);
}

/* archive-get ROOT-OPTIONS PATH NAME [--follow]: the stat line, then a tar whose entries are named
 * after NAME. */
int archive_get_main(int argc, char **argv) {
  struct error err = {0};
  autoclose int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  __attribute__((cleanup(close_request))) struct request request = {-1, -1, -1, .path = ""};
  if (open_request(argc, argv, &request, &err) < 0)
    return archive_fail(&err);
  bool follow = strcmp(argv[argc - 1], "--follow") == 0;
  const char *name = argv[argc - (follow ? 2 : 1)];
  if (print_stat_line(&request, proc) != 0 || write_archive(&request, name, &err) < 0)
    return archive_fail(&err);
  return 0;
}

static int list_directory(const struct request *request, struct error *err) {
  autoclose_directory DIR *directory = directory_open(request->target);
  if (!directory)
    return error_set(err, errno, "%.256s", request->path);
  int fd = dirfd(directory);
  if (archive_is_kernel_file(fd))
    return 0;
  struct dirent *entry;
  int more = 1;
  for (int count = 0; count < MAX_LISTED && (more = directory_next(directory, &entry, err)) > 0;) {
    struct stat status;
    if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
      continue;
    printf("{\"name\":");
    archive_json_string(stdout, entry->d_name);
    printf(",");
    print_status(&status);
    char text[PATH_MAX];
    ssize_t length =
        S_ISLNK(status.st_mode) ? readlinkat(fd, entry->d_name, text, sizeof text - 1) : -1;
    if (length >= 0) {
      text[length] = '\0';
      printf(",\"link\":");
      archive_json_string(stdout, text);
    }
    printf("}\n");
    count++;
  }
  return more < 0 ? -1 : 0;
}

int archive_list_main(int argc, char **argv) {
  struct error err = {0};
  __attribute__((cleanup(close_request))) struct request request = {-1, -1, -1, .path = ""};
  if (open_request(argc, argv, &request, &err) < 0 || list_directory(&request, &err) < 0)
    return archive_fail(&err);
  return fflush(stdout) == 0 ? 0 : 1;
}
