/*
 * What a layer's tar means, as a tree in memory: the same rules as extract.c, for a layer that is
 * not extracted (erofs_image.h). No file is touched, so no name in a hostile archive can reach one.
 */
#ifndef GANTRY_LAYER_TREE_H
#define GANTRY_LAYER_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "error.h"
#include "tar_reader.h"

struct layer_inode;

/* A name in a directory. */
struct layer_name {
  struct layer_name *next;      /* of the directory's, in no order */
  struct layer_name *collision; /* of the hash table's slot */
  const struct layer_inode *directory;
  struct layer_inode *inode; /* NULL: removed by a later entry */
  uint16_t length;
  char text[];
};

struct layer_inode {
  mode_t mode; /* with the type */
  uint32_t uid, gid, device;
  struct timespec mtime;
  uint64_t size;
  uint64_t offset;                  /* regular file: of its content in the tar */
  const struct tar_extent *extents; /* sparse file: which pieces of it are there */
  size_t extent_count;
  bool sparse;
  const char *link;         /* symbolic link */
  struct layer_name *names; /* directory */
  bool opaque;              /* directory: hides what is below it */
  struct layer_xattr *xattrs;
  /* Of the image writer. */
  struct layer_inode *following, *parent;
  uint64_t number;
  uint32_t links;
  uint32_t data_block;
  uint8_t chunk_bits; /* of a file in chunks, else 0 */
};

struct layer_xattr {
  struct layer_xattr *next;
  const char *name;
  const void *value;
  size_t size;
};

struct layer_tree {
  struct layer_inode *root;
  struct layer_name **slots;
  size_t slot_count, name_count;
  struct arena *arena;
  size_t arena_bytes;
  uint64_t entries, bytes; /* entries of the archive, content of its files */
};

/* Bounds what a hostile archive makes us remember. */
#define LAYER_TREE_MAX_BYTES ((size_t)768 * 1024 * 1024)

/* Reads the archive to its end. -1 with *err as extract_archive. Free it in any case. */
int layer_tree_read(struct layer_tree *tree, struct tar_reader *reader, struct error *err);
void layer_tree_free(struct layer_tree *tree);

#endif
