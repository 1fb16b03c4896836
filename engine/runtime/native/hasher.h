/* Digests of a long stream in a thread of its own, so that it is decompressed meanwhile. */
#ifndef GANTRY_HASHER_H
#define GANTRY_HASHER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "sha256.h"

enum { HASHER_PIECE = 256 * 1024, HASHER_PIECES = 8 };

struct hasher_piece {
  struct sha256 *hash;
  size_t size;
};

/* All zero at first. */
struct hasher {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool running, ended;
  size_t fed; /* bytes, until there is a thread */
  struct hasher_piece pieces[HASHER_PIECES];
  unsigned char *memory; /* HASHER_PIECE bytes for each of them */
  size_t first, count;   /* pieces that wait, the one in work included */
};

/* Adds to a digest, now or soon; one that is fed must not be touched otherwise until the end. */
void hasher_feed(struct hasher *hasher, struct sha256 *hash, const void *data, size_t size);

/* Returns when everything that was fed is in its digest. Nothing is fed afterwards. */
void hasher_end(struct hasher *hasher);

#endif
