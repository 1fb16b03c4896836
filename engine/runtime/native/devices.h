/* What /dev holds besides mounts: nodes, the usual symlinks, the console. */
#ifndef GANTRY_DEVICES_H
#define GANTRY_DEVICES_H

#include "plan.h"

/* `console`: terminal that appears as /dev/console, or -1. Does nothing where the plan binds a /dev
 * of its own. */
int devices_create(const struct container_plan *plan, int root, int console, struct error *err);

#endif
