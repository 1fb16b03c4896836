/* What overlayfs keeps in its layers (Documentation/filesystems/overlayfs.rst). */
#ifndef GANTRY_OVERLAY_H
#define GANTRY_OVERLAY_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Hides what the layers below have under its name. */
static inline bool overlay_is_whiteout(const struct stat *status) {
  return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

#endif
