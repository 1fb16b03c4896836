/* libFuzzer entry: any archive as a layer's tree and as the EROFS image made of it. */
#include <stdlib.h>

#include "descriptor.h"
#include "erofs_image.h"
#include "fuzz.h"
#include "layer_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *sealed = fuzz_seal(data, size);
  struct fuzz_bytes bytes = {sealed, size};
  struct tar_reader reader;
  struct layer_tree tree;
  struct error err = {0};
  if (tar_reader_open_stream(&reader, fuzz_read, &bytes, &err) < 0)
    abort();
  autoclose int image = memfd_create("image", MFD_CLOEXEC);
  char digest[SHA256_HEX];
  /* With content that reaches behind the end a tree is not whole and is never written. */
  if (layer_tree_read(&tree, &reader, &err) == 0 && image >= 0 &&
      ftruncate(image, EROFS_HEAD + (off_t)size) == 0)
    erofs_image_write(image, &tree, size, digest, &err);
  layer_tree_free(&tree);
  tar_reader_close(&reader);
  free(sealed);
  return 0;
}
