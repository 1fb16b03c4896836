/* libFuzzer entry: compressed bytes as they come from a registry. The first byte chooses how. */
#include <stdlib.h>

#include "fuzz.h"
#include "layer_source.h"

enum { LIMIT = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static unsigned char buffer[4096];
  struct error err = {0};
  if (size < 1)
    return 0;
  struct layer_source source = {
      .input = fuzz_file(data + 1, size - 1),
      .framed = data[0] & 4,
      .left = size - 1,
      .limits = {.bytes = LIMIT, .ratio = 100, .ratio_from = 4096},
      .keep_blob = -1,
      .keep_tar = -1,
  };
  if (source.input < 0)
    return 0;
  if (layer_source_open(&source, (enum decoder_kind)(data[0] % 3), &err) == 0) {
    uint64_t total = 0;
    long count;
    while ((count = layer_source_read(&source, buffer, sizeof buffer, &err)) > 0)
      total += (uint64_t)count;
    if (total > LIMIT)
      abort();
    layer_source_close(&source);
  }
  close(source.input);
  return 0;
}
