/* How the archive commands reach a container's root. */
#ifndef GANTRY_ARCHIVE_ROOT_H
#define GANTRY_ARCHIVE_ROOT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct archive_bind {
  const char *source, *target;
  bool readonly;
};

/*
 * Command line: `--pid N` (a running container: PID 1's own mount namespace), or `--lower DIR`...
 * (topmost first) with `--upper DIR --work DIR` and `--bind SOURCE TARGET ro|rw`... (parents before
 * children) for a stopped one, or `--directory DIR`: no container, this directory is the root.
 * `--read-only`: the container's root file system is not to be written.
 */
struct archive_root_options {
  int pid;
  const char *directory;
  const char **lower;
  size_t lower_count;
  const char *upper, *work;
  struct archive_bind *binds;
  size_t bind_count;
  bool readonly;
};

/* Parses leading options; returns the index of the first other argument, or -1. Memory lives as
 * long as we do. */
int archive_root_parse(int argc, char **argv, struct archive_root_options *options,
                       struct error *err);

/*
 * Enters the container's mount namespace, or mounts its layers in a private one that ends with this
 * process, and returns its root directory. SECURITY: 2019-14271, 2018-15664, 2026-41568: no chroot,
 * nothing is loaded afterwards, every path is resolved by the kernel inside the returned
 * descriptor.
 */
int archive_root_open(const struct archive_root_options *options, bool writable, struct error *err);

/*
 * Opens the directory that holds `path` (absolute, clean) inside `root` and writes its last
 * component into `leaf`, "." for the root itself. Returns the descriptor, or -1 with *err.
 */
int archive_open_parent(int root, const char *path, int flags, char leaf[NAME_MAX + 1],
                        struct error *err);

/* -1 with EROFS and Docker's text when `directory`, inside `root`, takes no files. */
int archive_check_writable(int root, int directory, struct error *err);

/* Trees are walked with one descriptor per level: as many as the hard limit allows. */
void archive_raise_file_limit(void);

#endif
