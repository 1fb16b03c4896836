/* What a mount operation of the plan shows, opened on the host by the supervisor. */
#ifndef GANTRY_MOUNT_SOURCE_H
#define GANTRY_MOUNT_SOURCE_H

#include "overlay_mount.h"

/*
 * A detached mount of the operation's source, or -1 in *fd where there is none to open early. Here,
 * not in PID 1: only a clone made in the host's mount namespace keeps shared and slave propagation.
 * `mapping`: what the owners of files of a mapped mount follow, or NULL.
 */
int mount_source_open(const struct plan_mount *mount, const struct overlay_mapping *mapping,
                      int *fd, struct error *err);

#endif
