/* The plan's mount operations. */
#ifndef GANTRY_MOUNTS_H
#define GANTRY_MOUNTS_H

#include "rootfs.h"

/* Performs every operation in order below `root`. */
int mounts_apply(const struct container_plan *plan, const struct rootfs_sources *sources, int root,
                 struct error *err);

/* Hides maskedPaths and makes readonlyPaths read-only; missing paths are skipped, as Docker does.
 */
int mounts_protect(const struct container_plan *plan, int root, struct error *err);

#endif
