/*
 * libFuzzer entry: a hostile layer becomes a tree and an EROFS image. Every block is given a valid
 * checksum first, or no mutation would get past the first header.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "erofs_image.h"
#include "layer_tree.h"

struct input {
  const uint8_t *data;
  size_t size;
};

static long read_sealed(void *context, unsigned char *buffer, size_t size, struct error *err) {
  struct input *input = context;
  (void)err;
  size_t count = input->size < size ? input->size : size;
  count -= count > TAR_BLOCK ? count % TAR_BLOCK : 0;
  memcpy(buffer, input->data, count);
  input->data += count;
  input->size -= count;
  for (size_t at = 0; at + TAR_BLOCK <= count; at += TAR_BLOCK) {
    unsigned sum = 0;
    memset(buffer + at + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
      sum += buffer[at + i];
    if (sum == 8 * ' ')
      memset(buffer + at, 0, TAR_BLOCK); /* the end of an archive */
    else
      snprintf((char *)buffer + at + 148, 7, "%06o", sum);
  }
  return (long)count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input = {data, size};
  struct tar_reader reader;
  struct layer_tree tree;
  struct error err = {0};
  char digest[SHA256_HEX];
  if (tar_reader_open_stream(&reader, read_sealed, &input, &err) < 0)
    return 0;
  if (layer_tree_read(&tree, &reader, &err) == 0) {
    int file = memfd_create("layer", MFD_CLOEXEC);
    erofs_image_write(file, &tree, size, digest, &err);
    close(file);
  }
  layer_tree_free(&tree);
  tar_reader_close(&reader);
  return 0;
}
