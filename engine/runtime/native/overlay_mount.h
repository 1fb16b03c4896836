/* Detached overlay mounts of any number of layers (Documentation/filesystems/overlayfs.rst). */
#ifndef GANTRY_OVERLAY_MOUNT_H
#define GANTRY_OVERLAY_MOUNT_H

#include <stdbool.h>

#include "plan.h"

/* Whose maps the owners of files follow, and what its root is outside. */
struct overlay_mapping {
  int user_namespace;
  uint32_t root_uid, root_gid;
};

struct overlay_layers {
  const struct plan_strings *lower; /* topmost first: directories and layer images */
  const char *upper, *work;         /* NULL: nothing can be written */
  bool is_volatile;                 /* no umount syncs the backing filesystem, 100 ms and more */
  uint32_t attributes;              /* MOUNT_ATTR_* */
  const struct overlay_mapping *mapping; /* NULL: owners are what they are */
  const char *subpath; /* the part of a read-only one that is wanted, relative; NULL, "": all */
};

/*
 * The mount's descriptor; -1 with EINVAL for a writable one where the kernel has no `lowerdir+`
 * (before 6.5): there layers are never images. A single layer alone, which overlay refuses, is
 * mounted as it is.
 */
int overlay_open(const struct overlay_layers *layers, struct error *err);

#endif
