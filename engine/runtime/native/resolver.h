/* The container's DNS server at 127.0.0.11, a process of its own without any privilege. */
#ifndef GANTRY_RESOLVER_H
#define GANTRY_RESOLVER_H

#include <sys/types.h>

#include "plan.h"

/*
 * Forks it into the network namespace behind `pidfd` (PID 1's). Returns its pid once it listens. It
 * ends with its parent.
 */
pid_t resolver_fork(const struct plan_resolver *plan, int pidfd, struct error *err);

#endif
