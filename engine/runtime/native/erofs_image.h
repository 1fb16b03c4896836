/*
 * A layer as one EROFS file (Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h): a head of
 * EROFS_HEAD bytes with the superblock, the layer's tar exactly as it was, and behind it the
 * metadata, whose files point into the tar. The kernel mounts the file itself.
 */
#ifndef GANTRY_EROFS_IMAGE_H
#define GANTRY_EROFS_IMAGE_H

#include <stdint.h>

#include "error.h"
#include "layer_tree.h"
#include "sha256.h"

enum { EROFS_HEAD = 4096 };

/*
 * Writes head and metadata around the `tar_bytes` that are in the file from EROFS_HEAD on.
 * `digest`: of the metadata followed by the head, what the tar's own digest leaves open.
 */
int erofs_image_write(int fd, struct layer_tree *tree, uint64_t tar_bytes, char digest[SHA256_HEX],
                      struct error *err);

#endif
