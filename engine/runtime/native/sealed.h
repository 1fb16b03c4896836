/* The binary as a sealed copy of itself. */
#ifndef GANTRY_SEALED_H
#define GANTRY_SEALED_H

#include "error.h"

/*
 * SECURITY: 2019-5736. A container that reaches /proc/PID/exe of anything we fork finds a sealed
 * memfd, which nobody can write, instead of the file that the next start would run as root on the
 * host. Executes the binary again from such a copy, with these arguments; returns 0 when it is one.
 */
int become_sealed(char **arguments, struct error *err);

#endif
