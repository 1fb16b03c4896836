#include "hasher.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A thread costs more than what is shorter. */
enum { THREAD_FROM = 1024 * 1024 };

static void *hash_pieces(void *context) {
  struct hasher *hasher = context;
  pthread_mutex_lock(&hasher->mutex);
  while (hasher->count > 0 || !hasher->ended) {
    if (hasher->count == 0) {
      pthread_cond_wait(&hasher->changed, &hasher->mutex);
      continue;
    }
    struct hasher_piece piece = hasher->pieces[hasher->first];
    const unsigned char *data = hasher->memory + hasher->first * HASHER_PIECE;
    pthread_mutex_unlock(&hasher->mutex);
    sha256_update(piece.hash, data, piece.size);
    pthread_mutex_lock(&hasher->mutex);
    hasher->first = (hasher->first + 1) % HASHER_PIECES;
    hasher->count--;
    pthread_cond_signal(&hasher->changed);
  }
  pthread_mutex_unlock(&hasher->mutex);
  return NULL;
}

/* Without memory or a thread all is hashed where it is fed. */
static void start(struct hasher *hasher) {
  hasher->memory = malloc((size_t)HASHER_PIECE * HASHER_PIECES);
  if (!hasher->memory)
    return;
  pthread_mutex_init(&hasher->mutex, NULL);
  pthread_cond_init(&hasher->changed, NULL);
  hasher->running = pthread_create(&hasher->thread, NULL, hash_pieces, hasher) == 0;
}

static void enqueue(struct hasher *hasher, struct sha256 *hash, const void *data, size_t size) {
  pthread_mutex_lock(&hasher->mutex);
  while (hasher->count == HASHER_PIECES)
    pthread_cond_wait(&hasher->changed, &hasher->mutex);
  size_t slot = (hasher->first + hasher->count) % HASHER_PIECES;
  pthread_mutex_unlock(&hasher->mutex);
  /* The slot is free: the thread takes only those that are counted. */
  memcpy(hasher->memory + slot * HASHER_PIECE, data, size);
  pthread_mutex_lock(&hasher->mutex);
  hasher->pieces[slot] = (struct hasher_piece){hash, size};
  hasher->count++;
  pthread_cond_signal(&hasher->changed);
  pthread_mutex_unlock(&hasher->mutex);
}

void hasher_feed(struct hasher *hasher, struct sha256 *hash, const void *data, size_t size) {
  bool was_short = hasher->fed < THREAD_FROM;
  hasher->fed += was_short ? size : 0;
  if (was_short && hasher->fed >= THREAD_FROM)
    start(hasher);
  if (!hasher->running) {
    sha256_update(hash, data, size);
    return;
  }
  for (const unsigned char *from = data; size > 0;) {
    size_t count = size < HASHER_PIECE ? size : HASHER_PIECE;
    enqueue(hasher, hash, from, count);
    from += count;
    size -= count;
  }
}

void hasher_end(struct hasher *hasher) {
  if (hasher->running) {
    pthread_mutex_lock(&hasher->mutex);
    hasher->ended = true;
    pthread_cond_signal(&hasher->changed);
    pthread_mutex_unlock(&hasher->mutex);
    pthread_join(hasher->thread, NULL);
    pthread_cond_destroy(&hasher->changed);
    pthread_mutex_destroy(&hasher->mutex);
  }
  free(hasher->memory);
  *hasher = (struct hasher){0};
}
