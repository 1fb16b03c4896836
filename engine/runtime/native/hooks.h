/* Programs that the creator of an OCI container wants run on the way. */
#ifndef GANTRY_HOOKS_H
#define GANTRY_HOOKS_H

#include <sys/types.h>

#include "plan.h"

/*
 * Runs every hook of the moment in order, as it is: its own environment, the state with `pid` on
 * stdin. The first that fails or takes too long ends it with an error that names it.
 */
int hooks_run(const struct plan_hooks *hooks, enum hook_moment moment, pid_t pid,
              struct error *err);

#endif
