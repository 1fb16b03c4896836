/* Layers as overlay takes them: a directory, or an EROFS image (erofs_image.h) that is mounted. */
#ifndef GANTRY_LAYER_MOUNT_H
#define GANTRY_LAYER_MOUNT_H

#include <stdbool.h>

#include "error.h"

/* Whether the engine keeps an image under this name (images/layer-form.ts). */
bool layer_is_image(const char *path);

/*
 * An O_PATH descriptor of the layer's root. An image is mounted detached: no mount point anywhere,
 * and the mount goes with the last descriptor and overlay that use it.
 */
int layer_mount_open(const char *path, struct error *err);

#endif
