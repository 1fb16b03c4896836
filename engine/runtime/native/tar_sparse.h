/*
 * Which pieces of a file an archive holds: all of it, or those between a sparse file's holes (GNU
 * tar's manual, "Storing Sparse Files"). Offsets and lengths come from the archive, hostile as all
 * in it.
 */
#ifndef GANTRY_TAR_SPARSE_H
#define GANTRY_TAR_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { TAR_MAX_EXTENTS = 128 * 1024 }; /* of one file */

struct tar_extent {
  uint64_t offset, length; /* in the file; the archive holds the extents one after the other */
};

struct tar_sparse {
  struct tar_extent *extents; /* in order, none overlaps another */
  size_t count, capacity;
  uint64_t stored; /* bytes of all extents */
  bool half;       /* an offset waits for its length */
};

void tar_sparse_clear(struct tar_sparse *sparse);
void tar_sparse_free(struct tar_sparse *sparse);

/* The next number of a map: offset and length in turn. -1 for a map that goes back or is too long.
 */
int tar_sparse_number(struct tar_sparse *sparse, uint64_t value, struct error *err);

/* Numbers with a comma between each (PAX format 0.1). */
int tar_sparse_list(struct tar_sparse *sparse, const char *text, struct error *err);

/* A map in decimal lines in front of the content, the number of its extents first (PAX 1.0). */
struct tar_sparse_lines {
  bool counted;
  uint64_t left; /* numbers to come */
  uint64_t value;
  size_t digits; /* of `value` */
};

/* Takes a block of the map: 1 when it is the last one, 0: the map goes on. */
int tar_sparse_block(struct tar_sparse *sparse, struct tar_sparse_lines *lines, const char *block,
                     size_t size, struct error *err);

/* Whether the map is whole, fits a file of `size` bytes and needs exactly `stored` of the archive.
 */
int tar_sparse_check(const struct tar_sparse *sparse, uint64_t size, uint64_t stored,
                     struct error *err);

#endif
