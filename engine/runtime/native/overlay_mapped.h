/* Overlay over idmapped layers (Linux 5.19): overlay itself cannot be idmapped. */
#ifndef GANTRY_OVERLAY_MAPPED_H
#define GANTRY_OVERLAY_MAPPED_H

#include "overlay_mount.h"

/* As overlay_open, with layers->mapping. */
int overlay_open_mapped(const struct overlay_layers *layers, struct error *err);

#endif
