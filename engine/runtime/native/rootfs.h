/* The container's root: overlay, mounts, devices, masks, and the change into it. */
#ifndef GANTRY_ROOTFS_H
#define GANTRY_ROOTFS_H

#include "plan.h"

/* What the supervisor opens on the host before it forks PID 1. */
struct rootfs_sources {
  int overlay; /* detached mount, or -1: the kernel needs the old way, PID 1 mounts it itself */
  int devpts;  /* detached devpts mount, or -1 */
  int user_namespace; /* the engine gave the container one of its own; or -1 */
  int *mounts;        /* per mount operation: a detached clone of a bind's source, else -1 */
  size_t count;
};

int rootfs_open(const struct container_plan *plan, struct rootfs_sources *sources,
                struct error *err);

/*
 * Mounts the root over `directory`, in a mount namespace of the caller's own. Returns a descriptor
 * of it: `overlay` where that is one.
 */
int rootfs_mount(const struct container_plan *plan, int overlay, const char *directory,
                 struct error *err);

/* In PID 1, inside its new namespaces: the root, mounted where nobody else sees it. */
int rootfs_attach(const struct container_plan *plan, const struct rootfs_sources *sources,
                  struct error *err);

/* Fills it. `console`: the terminal to appear as /dev/console, or -1. */
int rootfs_build(const struct container_plan *plan, const struct rootfs_sources *sources, int root,
                 int console, struct error *err);

/* Moves into it; the working directory is then `/`. */
int rootfs_enter(const struct container_plan *plan, int root, struct error *err);

/* Makes the root read-only when the plan says so; after the last change to it. */
int rootfs_seal(const struct container_plan *plan, struct error *err);

void rootfs_close(struct rootfs_sources *sources);

#endif
