/*
 * Overlay mounted in a namespace apart: over idmapped layers (Linux 5.19; overlay itself cannot be
 * idmapped), of which a part is wanted, or by a kernel without `lowerdir+` (before 6.5).
 */
#ifndef GANTRY_OVERLAY_APART_H
#define GANTRY_OVERLAY_APART_H

#include "overlay_mount.h"

/* As overlay_open. */
int overlay_open_apart(const struct overlay_layers *layers, struct error *err);

#endif
