/* Between the caller's terminal and the one of a process that is waited for. */
#ifndef GANTRY_RELAY_H
#define GANTRY_RELAY_H

#include <sys/types.h>

/*
 * Copies between our stdin, stdout and `master` (-1: nothing to copy), passes window sizes and
 * signals on, until the process ended and its output is out. Returns its wait status.
 */
int relay_until_exit(pid_t pid, int master);

#endif
