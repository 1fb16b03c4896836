/*
 * Layer images that the zygote keeps mounted (detached), so that all containers of an image share
 * one superblock and one page cache. Children inherit the descriptors.
 */
#ifndef GANTRY_LAYER_TABLE_H
#define GANTRY_LAYER_TABLE_H

#include "error.h"

/* Mounts the image unless it is known. */
int layer_table_add(const char *path, struct error *err);

/* Lets go of an image whose file is being removed. */
void layer_table_forget(const char *path);

/* Its descriptor, still the table's; -1: not known. */
int layer_table_find(const char *path);

/* Closes everything: in a shim, once its overlay stands. */
void layer_table_close(void);

#endif
