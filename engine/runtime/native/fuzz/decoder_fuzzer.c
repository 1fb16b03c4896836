/* libFuzzer entry: hostile compressed data, in pieces of a size that the input chooses. */
#include <stdint.h>
#include <stddef.h>

#include "decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static unsigned char output[4096];
  if (size < 2)
    return 0;
  struct error err = {0};
  struct decoder *decoder = decoder_open(data[0] & 1 ? DECODER_GZIP : DECODER_ZSTD, &err);
  size_t piece = (size_t)data[1] + 1, made_in_all = 0;
  for (size_t at = 2; decoder && at < size && made_in_all < 1 << 20;) {
    size_t used = size - at < piece ? size - at : piece, made = sizeof output;
    if (decoder_run(decoder, data + at, &used, output, &made, &err) < 0)
      break;
    if (used == 0 && made == 0 && piece > size)
      break;
    piece = used == 0 && made == 0 ? piece * 2 : piece;
    at += used;
    made_in_all += made;
  }
  decoder_close(decoder);
  return 0;
}
