/*
 * gantry-shim make-directory ROOT-OPTIONS PATH: makes PATH, and what is missing above it, in the
 * writable layer of a container that does not run (archive_root.h). SECURITY: 2026-55686: links are
 * followed inside the container's root, and what is there already is not touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "commands.h"
#include "descriptor.h"
#include "resolve.h"

/* Exit status: 0 where the image has the directory, or why not. */
static int look(const char *path, const struct archive_root_options *options) {
  struct error err = {0};
  struct archive_root_options image = *options;
  image.upper = image.work = NULL;
  autoclose int root = archive_root_open(&image, false, &err);
  if (root < 0)
    return err.number ? err.number : EIO;
  autoclose int found = resolve(root, path, O_PATH, true);
  struct stat status;
  if (found < 0 || fstat(found, &status) < 0)
    return errno;
  return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

/* A child looks: its mounts would lie on the layers that are about to be mounted. */
static int look_apart(const char *path, const struct archive_root_options *options) {
  pid_t child = fork();
  if (child == 0)
    _exit(look(path, options));
  int status;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static int make_directory(const char *path, const struct archive_root_options *options,
                          struct error *err) {
  /* Reading comes first: a writable overlay syncs its file system when it goes. */
  int problem = look_apart(path, options);
  if (problem == 0)
    return 0;
  if (problem != ENOENT)
    return error_set(err, problem, "%.256s", path);
  autoclose int root = archive_root_open(options, true, err);
  autoclose int made = root < 0 ? -1 : resolve_or_create(root, path, false, true, err);
  return made < 0 ? -1 : 0;
}

int make_directory_main(int argc, char **argv) {
  struct error err = {0};
  struct archive_root_options options;
  umask(0);
  int next = archive_root_parse(argc, argv, &options, &err);
  if (next < 0)
    return archive_fail(&err);
  if (next + 1 != argc || !options.upper || !options.work) {
    fprintf(stderr,
            "usage: gantry-shim make-directory --lower DIR... --upper DIR --work DIR PATH\n");
    return 2;
  }
  return make_directory(argv[next], &options, &err) < 0 ? archive_fail(&err) : 0;
}
