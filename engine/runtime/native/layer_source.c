#include "layer_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"

enum { FLUSH_BYTES = 8 * 1024 * 1024 };

int layer_source_open(struct layer_source *source, enum decoder_kind kind, struct error *err) {
  source->buffer = malloc(LAYER_SOURCE_BUFFER);
  source->decoder = source->buffer ? decoder_open(kind, err) : NULL;
  if (!source->decoder)
    return error_set(err, ENOMEM, "read layer");
  source->compressed = kind != DECODER_NONE;
  sha256_start(&source->blob_hash);
  sha256_start(&source->tar_hash);
  return 0;
}

void layer_source_digests(struct layer_source *source, char blob[SHA256_HEX],
                          char tar[SHA256_HEX]) {
  hasher_end(&source->hasher);
  sha256_finish(&source->tar_hash, tar);
  if (source->compressed)
    sha256_finish(&source->blob_hash, blob);
  else
    memcpy(blob, tar, SHA256_HEX);
}

void layer_source_close(struct layer_source *source) {
  hasher_end(&source->hasher);
  decoder_close(source->decoder);
  free(source->buffer);
  source->decoder = NULL;
  source->buffer = NULL;
}

int layer_write(int fd, const void *data, size_t size, struct error *err) {
  for (const unsigned char *from = data; size > 0;) {
    ssize_t count = write(fd, from, size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set(err, errno, "write layer");
    from += count;
    size -= (size_t)count;
  }
  return 0;
}

static ssize_t read_some(const struct layer_source *source, void *data, size_t size) {
  ssize_t count;
  do
    count = source->framed ? read(source->input, data, size)
                           : pread(source->input, data, size, (off_t)source->offset);
  while (count < 0 && errno == EINTR);
  return count;
}

/* The sender went away in the middle: that says nothing about what it sent. */
static int cut_off(struct error *err) {
  return error_set(err, ECONNRESET, "the layer's bytes ended early");
}

/* Reads the length before the next piece into source->left. */
static int read_length(struct layer_source *source, struct error *err) {
  uint8_t length[4];
  for (size_t got = 0; got < sizeof length;) {
    ssize_t count = read_some(source, length + got, sizeof length - got);
    if (count < 0)
      return error_set(err, errno, "read layer");
    if (count == 0)
      return cut_off(err);
    got += (size_t)count;
  }
  source->left = load_u32(length);
  source->ended = source->left == 0;
  return 0;
}

/* Refills the buffer with the next bytes of the blob; 0 at its end. */
static int fill(struct layer_source *source, struct error *err) {
  if (source->position < source->length)
    return 1;
  if (source->framed && source->left == 0 && !source->ended && read_length(source, err) < 0)
    return -1;
  if (source->left == 0)
    return 0;
  size_t size = source->left < LAYER_SOURCE_BUFFER ? (size_t)source->left : LAYER_SOURCE_BUFFER;
  ssize_t count = read_some(source, source->buffer, size);
  if (count < 0)
    return error_set(err, errno, "read layer");
  if (count == 0)
    return cut_off(err);
  source->position = 0;
  source->length = (size_t)count;
  source->left -= (uint64_t)count;
  source->offset += (uint64_t)count;
  source->blob_bytes += (uint64_t)count;
  if (source->compressed)
    hasher_feed(&source->hasher, &source->blob_hash, source->buffer, source->length);
  if (source->keep_blob >= 0 &&
      layer_write(source->keep_blob, source->buffer, source->length, err) < 0)
    return -1;
  return 1;
}

/* Writes and lets the disk begin: the sync at the end then waits for little. */
static int keep_tar(struct layer_source *source, const unsigned char *data, size_t size,
                    struct error *err) {
  if (layer_write(source->keep_tar, data, size, err) < 0)
    return -1;
  if (source->tar_bytes - source->flushed >= FLUSH_BYTES) {
    off_t end = lseek(source->keep_tar, 0, SEEK_CUR);
    uint64_t fresh = source->tar_bytes - source->flushed;
    sync_file_range(source->keep_tar, end - (off_t)fresh, (off_t)fresh, SYNC_FILE_RANGE_WRITE);
    source->flushed = source->tar_bytes;
  }
  return 0;
}

static int account(struct layer_source *source, const unsigned char *data, size_t size,
                   struct error *err) {
  const struct layer_limits *limits = &source->limits;
  source->tar_bytes += size;
  if (source->tar_bytes > limits->bytes)
    return error_set(err, EFBIG, "the layer is larger than %llu bytes",
                     (unsigned long long)limits->bytes);
  if (source->tar_bytes > limits->ratio_from &&
      source->tar_bytes / limits->ratio > source->blob_bytes)
    return error_set(err, EFBIG, "the layer is more than %llu times as large as its %llu bytes",
                     (unsigned long long)limits->ratio, (unsigned long long)source->blob_bytes);
  hasher_feed(&source->hasher, &source->tar_hash, data, size);
  return source->keep_tar < 0 ? 0 : keep_tar(source, data, size, err);
}

long layer_source_read(void *context, unsigned char *buffer, size_t size, struct error *err) {
  struct layer_source *source = context;
  for (;;) {
    int ready = fill(source, err);
    if (ready < 0)
      return -1;
    size_t used = source->length - source->position, made = size;
    if (ready == 0 && decoder_may_end(source->decoder))
      return 0;
    if (decoder_run(source->decoder, source->buffer + source->position, &used, buffer, &made, err) <
        0)
      return -1;
    source->position += used;
    if (made > 0)
      return account(source, buffer, made, err) < 0 ? -1 : (long)made;
    if (ready == 0)
      return error_set(err, 0, "compressed layer is truncated: unexpected EOF");
  }
}
