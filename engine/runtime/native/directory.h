/* Reading directories: children only, without "." and "..". */
#ifndef GANTRY_DIRECTORY_H
#define GANTRY_DIRECTORY_H

#include <dirent.h>

#include "error.h"

static inline void directory_close(DIR **directory) {
  if (*directory)
    closedir(*directory);
}

#define autoclose_directory __attribute__((cleanup(directory_close)))

/* A stream of its own over the directory `fd`, which may be O_PATH; NULL with errno. */
DIR *directory_open(int fd);

/* The next child, in no order: 1, 0 at the end, or -1 with *err. */
int directory_next(DIR *directory, struct dirent **entry, struct error *err);

/* All children of `fd` by name, each and the list to be freed; their number, or -1 with errno. */
int directory_sorted(int fd, struct dirent ***entries);

#endif
