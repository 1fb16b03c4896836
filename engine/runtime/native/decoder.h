/* Streaming decompression of hostile data. Which kinds there are depends on what was there at build
 * time; what is missing is decompressed by the engine. */
#ifndef GANTRY_DECODER_H
#define GANTRY_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum decoder_kind { DECODER_NONE, DECODER_GZIP, DECODER_ZSTD };

/* -1: unknown here. */
int decoder_kind(const char *name);

struct decoder;

/* NULL with *err. */
struct decoder *decoder_open(enum decoder_kind kind, struct error *err);
void decoder_close(struct decoder *decoder);

/*
 * Decompresses from `input` into `output` as far as both go; what was used and made is returned in
 * the sizes. -1 with *err when the data is damaged.
 */
int decoder_run(struct decoder *decoder, const unsigned char *input, size_t *input_size,
                unsigned char *output, size_t *output_size, struct error *err);

/* Whether the input may end here. */
bool decoder_may_end(const struct decoder *decoder);

#endif
