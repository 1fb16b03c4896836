/* What overlayfs keeps in its layers (Documentation/filesystems/overlayfs.rst). */
#ifndef GANTRY_OVERLAY_H
#define GANTRY_OVERLAY_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* How layer tars say what overlay says by whiteouts and opaque directories (OCI image-spec). */
#define OVERLAY_WHITEOUT_PREFIX ".wh."
#define OVERLAY_WHITEOUT_OPAQUE ".wh..wh..opq"
#define OVERLAY_WHITEOUT_META ".wh..wh."

/* Hides what the layers below have under its name. */
static inline bool overlay_is_whiteout(const struct stat *status) {
  return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

#endif
