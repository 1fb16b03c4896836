/* Ownership of file descriptors by scope: `autoclose int fd = open(...)`. */
#ifndef GANTRY_DESCRIPTOR_H
#define GANTRY_DESCRIPTOR_H

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

#define autoclose __attribute__((cleanup(close_fd)))

#endif
