/* The built-in init (`docker run --init`): PID 1 that forwards signals to one child and reaps
 * orphans. */
#ifndef GANTRY_INIT_H
#define GANTRY_INIT_H

#include "error.h"

/*
 * Forks; returns 0 in the child, which goes on to execve. The parent never returns: it exits with
 * the child's code. -1: the fork failed.
 */
int init_fork(struct error *err);

#endif
