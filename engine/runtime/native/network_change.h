/* Links of a running container come and go. */
#ifndef GANTRY_NETWORK_CHANGE_H
#define GANTRY_NETWORK_CHANGE_H

#include <sys/types.h>

#include "plan.h"

/* `pid` and its pidfd are the container's PID 1, not reaped. What was added is removed again when a
 * later step fails. */
int network_change(const struct network_plan *plan, pid_t pid, int pidfd, struct error *err);

#endif
