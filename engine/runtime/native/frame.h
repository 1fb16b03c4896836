/*
 * Length-prefixed frames, the format of both sockets (engine <-> zygote, engine <-> shim):
 * `u32 length of the rest, u32 request id, u8 type, payload`, little-endian. Types: see
 * ../shim-protocol.ts.
 */
#ifndef GANTRY_FRAME_H
#define GANTRY_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { FRAME_HEADER = 9, FRAME_MAX_BYTES = (1 << 20) + 1024 };

enum frame_type {
  FRAME_FORK = 1,
  FRAME_RUN_TASK = 2,
  FRAME_ADD_LAYERS = 3,
  FRAME_FORGET_LAYERS = 4,
  FRAME_CONTROL = 16,
  FRAME_ATTACH = 17,
  FRAME_EXEC = 18,
  FRAME_START = 19,
  FRAME_KILL = 20,
  FRAME_KILL_ALL = 21,
  FRAME_RESIZE = 22,
  FRAME_NETWORK = 23,
  FRAME_LOG_READ = 24,
  FRAME_READY = 32,
  FRAME_FAILED = 33,
  FRAME_EXEC_EXITED = 34,
  FRAME_EXITED = 35,
  FRAME_OOM = 36,
  FRAME_OK = 128,
  FRAME_ERROR = 129,
};

struct frame {
  uint32_t request;
  uint8_t type;
  const uint8_t *payload; /* inside the reader's buffer, until the next frame_next */
  size_t size;
};

/* Reassembles frames from a stream socket. Zero-initialise; the buffer grows to the frame at hand.
 */
struct frame_reader {
  uint8_t *buffer;
  size_t used, capacity, consumed;
};

/* Reads once without blocking. 1: data came, 0: end of file, -1: *err (errno EAGAIN: nothing
 * there). */
int frame_read(struct frame_reader *reader, int fd, struct error *err);

/* 1: *frame is the next whole one, 0: more bytes are needed, -1: over the limit. */
int frame_next(struct frame_reader *reader, struct frame *frame, struct error *err);

/* What was read after the last whole frame (the raw bytes that follow it). */
struct frame_rest {
  const uint8_t *data;
  size_t size;
} frame_rest(const struct frame_reader *reader);

void frame_reader_free(struct frame_reader *reader);

/*
 * Sends a whole frame; frames to the engine are small, so a peer that lets its socket buffer fill
 * up for five seconds counts as lost: -1.
 */
int frame_send(int fd, uint32_t request, uint8_t type, const void *payload, size_t size);

/* A frame whose payload is `stage NUL errno NUL message NUL`. */
int frame_send_error(int fd, uint32_t request, uint8_t type, const struct error *err);

static inline uint32_t load_u32(const uint8_t *data) {
  return (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
         (uint32_t)data[3] << 24;
}

static inline void store_u32(uint8_t *data, uint32_t value) {
  for (int i = 0; i < 4; i++)
    data[i] = (uint8_t)(value >> 8 * i);
}

#endif
