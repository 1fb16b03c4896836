/* The bytes of a layer on their way in: read, hashed, decompressed, hashed again, in one pass and
 * with the same memory whatever their number. */
#ifndef GANTRY_LAYER_SOURCE_H
#define GANTRY_LAYER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decoder.h"
#include "error.h"
#include "hasher.h"
#include "sha256.h"

enum { LAYER_SOURCE_BUFFER = 256 * 1024 };

/* SECURITY: what a small download may become (gzip bombs). */
struct layer_limits {
  uint64_t bytes; /* of the uncompressed tar */
  uint64_t ratio; /* tar to blob, once the tar is longer than `ratio_from` */
  uint64_t ratio_from;
};

struct layer_source {
  int input;
  /* Framed: u32 (little endian) before each piece, 0 ends it. Else `left` bytes from `offset` on.
   */
  bool framed, ended;
  uint64_t offset, left;
  struct layer_limits limits;
  struct decoder *decoder;
  unsigned char *buffer;
  size_t position, length;
  int keep_blob, keep_tar; /* files that get a copy, -1: none */
  struct hasher hasher;
  struct sha256 blob_hash, tar_hash;
  bool compressed; /* else the blob is the tar and is hashed once */
  uint64_t blob_bytes, tar_bytes, flushed;
};

/* -1 when out of memory. The caller fills input, framed, offset, left, limits and keep_* first. */
int layer_source_open(struct layer_source *source, enum decoder_kind kind, struct error *err);
void layer_source_close(struct layer_source *source);

/* A `tar_read` (tar_reader.h): the next bytes of the uncompressed tar; `source` is a layer_source.
 */
long layer_source_read(void *source, unsigned char *buffer, size_t size, struct error *err);

/* The digests of the blob and of the tar, once all of it was read. */
void layer_source_digests(struct layer_source *source, char blob[SHA256_HEX], char tar[SHA256_HEX]);

/* Whole or -1 with *err. */
int layer_write(int fd, const void *data, size_t size, struct error *err);

#endif
