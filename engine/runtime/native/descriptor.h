/* Ownership of file descriptors and directory streams by scope: `autoclose int fd = open(...)`. */
#ifndef GANTRY_DESCRIPTOR_H
#define GANTRY_DESCRIPTOR_H

#include <dirent.h>
#include <unistd.h>

static inline void close_fd(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

/* Gives the descriptor away: the scope no longer closes it. */
static inline int take_fd(int *fd) {
  int taken = *fd;
  *fd = -1;
  return taken;
}

static inline void close_directory(DIR **directory) {
  if (*directory)
    closedir(*directory);
}

#define autoclose __attribute__((cleanup(close_fd)))
#define autoclose_directory __attribute__((cleanup(close_directory)))

#endif
