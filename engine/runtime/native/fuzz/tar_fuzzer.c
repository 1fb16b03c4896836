/* libFuzzer entry: no archive may make the reader read or give out what is not there. */
#include <stdlib.h>

#include "fuzz.h"
#include "tar_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *sealed = fuzz_seal(data, size);
  struct fuzz_bytes bytes = {sealed, size};
  struct tar_reader reader;
  static struct tar_entry entry;
  struct error err = {0};
  if (tar_reader_open_stream(&reader, fuzz_read, &bytes, &err) < 0)
    abort();
  volatile unsigned sum = 0;
  while (tar_reader_next(&reader, &entry, &err) > 0) {
    if (strlen(entry.name) >= sizeof entry.name || strlen(entry.link) >= sizeof entry.link)
      abort();
    for (size_t i = 0; i < entry.xattr_count; i++) {
      const struct tar_xattr *xattr = &entry.xattrs[i];
      for (size_t at = 0; at < xattr->size; at++)
        sum += (unsigned char)xattr->value[at];
      sum += (unsigned)strlen(xattr->name);
    }
    const unsigned char *piece;
    long count;
    uint64_t content = 0, place = 0, end = 0;
    while ((count = tar_reader_data(&reader, &piece, &place, &err)) > 0) {
      if (place < end || place + (uint64_t)count > entry.size)
        abort();
      end = place + (uint64_t)count;
      content += (uint64_t)count;
      sum += piece[0] + piece[count - 1];
    }
    if (count == 0 && (entry.sparse ? content > entry.size : content != entry.size))
      abort();
  }
  tar_reader_close(&reader);
  free(sealed);
  return 0;
}
