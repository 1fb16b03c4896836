/* Pseudo-terminals. */
#ifndef GANTRY_TERMINAL_H
#define GANTRY_TERMINAL_H

#include "error.h"

/*
 * A terminal of the devpts instance whose directory `devpts` is: the master, not blocking, and
 * three descriptors of its other half for a process' stdio.
 */
int terminal_open(int devpts, int child[3], struct error *err);

/* Sends the master over the socket at `path`, as the OCI runtimes' --console-socket wants it. */
int terminal_send(int master, const char *path, struct error *err);

#endif
