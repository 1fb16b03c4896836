#include "decoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gzip_member.h"

#if __has_include(<zstd.h>)
#define HAVE_ZSTD 1
#include <zstd.h>
#else
#define HAVE_ZSTD 0
#endif

/* Bounds the memory of a frame whose header asks for more: 128 MiB, as the zstd command's. */
#define MAX_WINDOW_LOG 27

struct decoder {
  enum decoder_kind kind;
  /* Between members (gzip) or frames (zstd): here the input may end. */
  bool at_boundary;
  /* gzip: behind the last member only zeros may follow. */
  bool padding;
  struct gzip_member *gzip;
#if HAVE_ZSTD
  ZSTD_DStream *zstd;
#endif
};

int decoder_kind(const char *name) {
  if (strcmp(name, "none") == 0)
    return DECODER_NONE;
  if (strcmp(name, "gzip") == 0)
    return DECODER_GZIP;
  if (HAVE_ZSTD && strcmp(name, "zstd") == 0)
    return DECODER_ZSTD;
  return -1;
}

static int open_library(struct decoder *decoder) {
  if (decoder->kind == DECODER_GZIP)
    return (decoder->gzip = gzip_member_open()) ? 0 : -1;
#if HAVE_ZSTD
  if (decoder->kind == DECODER_ZSTD) {
    decoder->zstd = ZSTD_createDStream();
    return decoder->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax,
                                                                 MAX_WINDOW_LOG))
               ? 0
               : -1;
  }
#endif
  return 0;
}

struct decoder *decoder_open(enum decoder_kind kind, struct error *err) {
  struct decoder *decoder = calloc(1, sizeof *decoder);
  if (decoder) {
    decoder->kind = kind;
    decoder->at_boundary = kind == DECODER_NONE;
    if (open_library(decoder) == 0)
      return decoder;
    decoder_close(decoder);
  }
  error_set(err, ENOMEM, "decompress");
  return NULL;
}

void decoder_close(struct decoder *decoder) {
  if (!decoder)
    return;
  gzip_member_close(decoder->gzip);
#if HAVE_ZSTD
  ZSTD_freeDStream(decoder->zstd);
#endif
  free(decoder);
}

bool decoder_may_end(const struct decoder *decoder) {
  return decoder->at_boundary;
}

static int copy(const unsigned char *input, size_t *input_size, unsigned char *output,
                size_t *output_size) {
  size_t count = *input_size < *output_size ? *input_size : *output_size;
  memcpy(output, input, count);
  *input_size = *output_size = count;
  return 0;
}

/* One call ends at a member's end at the latest; RFC 1952 allows any number of members. */
static int run_gzip(struct decoder *decoder, const unsigned char *input, size_t *input_size,
                    unsigned char *output, size_t *output_size, struct error *err) {
  size_t skipped = 0;
  if (decoder->at_boundary && (decoder->padding || (*input_size > 0 && input[0] == 0))) {
    decoder->padding = true;
    while (skipped < *input_size && input[skipped] == 0)
      skipped++;
    if (skipped < *input_size)
      return error_set(err, 0, "damaged gzip data: garbage after its end");
    *output_size = 0;
    return 0;
  }
  if (decoder->at_boundary && *input_size > 0) {
    if (input[0] != 0x1f) /* igzip waits for a whole header before it says so */
      return error_set(err, 0, "damaged gzip data: garbage after its end");
    gzip_member_restart(decoder->gzip);
    decoder->at_boundary = false;
  }
  return gzip_member_run(decoder->gzip, input, input_size, output, output_size,
                         &decoder->at_boundary, err);
}

#if HAVE_ZSTD
static int run_zstd(struct decoder *decoder, const unsigned char *input, size_t *input_size,
                    unsigned char *output, size_t *output_size, struct error *err) {
  ZSTD_inBuffer from = {.src = input, .size = *input_size};
  ZSTD_outBuffer to = {.dst = output, .size = *output_size};
  size_t status = ZSTD_decompressStream(decoder->zstd, &to, &from);
  if (ZSTD_isError(status))
    return error_set(err, 0, "damaged zstd data: %s", ZSTD_getErrorName(status));
  *input_size = from.pos;
  *output_size = to.pos;
  decoder->at_boundary = status == 0;
  return 0;
}
#endif

int decoder_run(struct decoder *decoder, const unsigned char *input, size_t *input_size,
                unsigned char *output, size_t *output_size, struct error *err) {
  if (decoder->kind == DECODER_GZIP)
    return run_gzip(decoder, input, input_size, output, output_size, err);
#if HAVE_ZSTD
  if (decoder->kind == DECODER_ZSTD)
    return run_zstd(decoder, input, input_size, output, output_size, err);
#endif
  (void)err;
  return copy(input, input_size, output, output_size);
}
