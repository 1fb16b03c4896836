/*
 * gantry-shim copy-up PATH TARGET LOWER...: what an image (its layers, topmost first) has at PATH
 * becomes the content of the fresh volume directory TARGET, owner, mode and times of the directory
 * itself included. Nothing is done when the image has no directory there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "archive_tree.h"
#include "commands.h"
#include "descriptor.h"
#include "extract.h"
#include "rooted.h"

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

static int copy_up(const char *path, const char *target, struct archive_root_options *image,
                   struct error *err) {
  /* Opened before the namespace changes; TARGET is the engine's own directory. */
  autoclose int to = open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (to < 0)
    return error_set(err, errno, "open %.256s", target);
  autoclose int root = archive_root_open(image, false, err);
  if (root < 0)
    return -1;
  /* SECURITY: 2022-23648: a VOLUME path through links of the image stays inside the image. */
  autoclose int from = rooted_open(root, path, O_RDONLY | O_DIRECTORY, 0, ROOTED_IN_ROOT);
  if (from < 0)
    return errno == ENOENT || errno == ENOTDIR ? 0 : error_set(err, errno, "%.256s", path);
  struct stat status;
  if (fstat(from, &status) < 0)
    return error_set(err, errno, "%.256s", path);
  if (copy_tree_through_pipe(from, to, err) < 0)
    return -1;
  struct timespec times[2] = {status.st_atim, status.st_mtim};
  if (fchown(to, status.st_uid, status.st_gid) < 0 || fchmod(to, status.st_mode & 07777) < 0 ||
      futimens(to, times) < 0)
    return error_set(err, errno, "%.256s", target);
  return 0;
}

int copy_up_main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: gantry-shim copy-up PATH TARGET LOWER...\n");
    return 2;
  }
  struct error err = {0};
  struct archive_root_options image = {.lower = (const char **)(argv + 3),
                                       .lower_count = (size_t)(argc - 3)};
  return copy_up(argv[1], argv[2], &image, &err) < 0 ? archive_fail(&err) : 0;
}
