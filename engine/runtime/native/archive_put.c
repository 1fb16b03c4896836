/*
 * gantry-shim archive-put ROOT-OPTIONS PATH [keep-directories] [whole] [owner USER]: unpacks the
 * tar on stdin into the directory PATH of a container or volume; `whole`: as all that there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "archive.h"
#include "archive_root.h"
#include "archive_tree.h"
#include "commands.h"
#include "descriptor.h"
#include "extract.h"
#include "rooted.h"
#include "user.h"

static int parse_options(int argc, char **argv, struct extract_options *options, const char **owner,
                         struct error *err) {
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "keep-directories") == 0) {
      options->keep_directories = true;
    } else if (strcmp(argv[i], "whole") == 0) {
      options->whole = true;
    } else if (strcmp(argv[i], "owner") == 0 && i + 1 < argc) {
      *owner = argv[++i];
    } else {
      return error_set(err, 0, "unknown argument %.64s", argv[i]);
    }
  }
  return 0;
}

/* USER as in the container's configuration, looked up in its own /etc/passwd. */
static int set_owner(int root, const char *owner, struct extract_options *options,
                     struct error *err) {
  struct user user;
  if (user_resolve(root, owner, &(struct plan_strings){0}, &user, err) < 0)
    return -1;
  options->chown = true;
  options->uid = user.uid;
  options->gid = user.gid;
  return 0;
}

static int archive_put(int argc, char **argv, struct error *err) {
  struct archive_root_options root_options;
  int first = archive_root_parse(argc, argv, &root_options, err);
  if (first < 0)
    return -1;
  if (first >= argc || argv[first][0] != '/')
    return error_set(
        err, 0, "usage: archive-put ROOT-OPTIONS PATH [keep-directories] [whole] [owner USER]");
  const char *owner = NULL;
  struct extract_options options = {.base_path = argv[first]};
  if (parse_options(argc - first - 1, argv + first + 1, &options, &owner, err) < 0)
    return -1;
  /* What is not whole when the engine ends is of no use: the next one removes it at once. */
  if (options.whole && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
    return error_set(err, errno, "prctl");
  autoclose int root = archive_root_open(&root_options, true, err);
  if (root < 0)
    return -1;
  /* The destination itself may be a link: it is followed, inside the root. */
  autoclose int directory =
      rooted_open(root, argv[first], O_RDONLY | O_DIRECTORY, 0, ROOTED_IN_ROOT);
  if (directory < 0)
    return error_set(err, errno, "%.256s", argv[first]);
  if (archive_check_writable(root, directory, err) < 0)
    return -1;
  options.root = root;
  if (owner && set_owner(root, owner, &options, err) < 0)
    return -1;
  struct extract_summary summary;
  return extract_archive(STDIN_FILENO, directory, &options, &summary, err);
}

int archive_put_main(int argc, char **argv) {
  struct error err = {0};
  return archive_put(argc, argv, &err) < 0 ? archive_fail(&err) : 0;
}
