/* What the fuzz targets share: bytes as a stream or a file. */
#ifndef GANTRY_FUZZ_H
#define GANTRY_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_bytes {
  const uint8_t *data;
  size_t size;
};

/* A tar_read: pieces of odd sizes, so that every boundary falls somewhere. */
static inline long fuzz_read(void *context, unsigned char *buffer, size_t size, struct error *err) {
  struct fuzz_bytes *bytes = context;
  size_t piece = bytes->size % 701 + 1;
  (void)err;
  if (piece > bytes->size)
    piece = bytes->size;
  if (piece > size)
    piece = size;
  memcpy(buffer, bytes->data, piece);
  bytes->data += piece;
  bytes->size -= piece;
  return (long)piece;
}

/*
 * A copy whose every block has a valid tar checksum, or no mutation would get past the first
 * header. The caller frees it.
 */
static inline uint8_t *fuzz_seal(const uint8_t *data, size_t size) {
  enum { BLOCK = 512, SUM = 148, SUM_SIZE = 8 };
  uint8_t *copy = malloc(size + 1);
  if (!copy)
    abort();
  memcpy(copy, data, size);
  for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
    uint8_t *block = copy + at;
    unsigned sum = 0;
    memset(block + SUM, ' ', SUM_SIZE);
    for (size_t i = 0; i < BLOCK; i++)
      sum += block[i];
    if (sum == SUM_SIZE * ' ')
      memset(block, 0, BLOCK); /* the end of an archive */
    else
      snprintf((char *)block + SUM, SUM_SIZE - 1, "%06o", sum);
  }
  return copy;
}

/* An open file in memory that holds the bytes, at its start; -1 when there is none to be had. */
static inline int fuzz_file(const uint8_t *data, size_t size) {
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  if (fd >= 0 && (write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)) {
    close(fd);
    return -1;
  }
  return fd;
}

#endif
