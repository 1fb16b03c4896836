#include "layer_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "descriptor.h"
#include "layer_mount.h"

struct layer {
  char *path;
  int fd;
};

static struct layer *layers;
static size_t layer_count, layer_capacity;

static struct layer *find(const char *path) {
  for (size_t i = 0; i < layer_count; i++) {
    if (strcmp(layers[i].path, path) == 0)
      return &layers[i];
  }
  return NULL;
}

int layer_table_find(const char *path) {
  const struct layer *layer = find(path);
  return layer ? layer->fd : -1;
}

int layer_table_add(const char *path, struct error *err) {
  if (find(path))
    return 0;
  if (layer_count == layer_capacity) {
    size_t capacity = layer_capacity ? layer_capacity * 2 : 64;
    void *grown = realloc(layers, capacity * sizeof *layers);
    if (!grown)
      return error_set(err, ENOMEM, "layers");
    layers = grown;
    layer_capacity = capacity;
  }
  autoclose int fd = layer_mount_open(path, err);
  char *copy = fd < 0 ? NULL : strdup(path);
  if (!copy)
    return fd < 0 ? -1 : error_set(err, ENOMEM, "layers");
  layers[layer_count++] = (struct layer){copy, take_fd(&fd)};
  return 0;
}

void layer_table_forget(const char *path) {
  struct layer *layer = find(path);
  if (!layer)
    return;
  close(layer->fd);
  free(layer->path);
  *layer = layers[--layer_count];
}

void layer_table_close(void) {
  while (layer_count > 0)
    layer_table_forget(layers[0].path);
  free(layers);
  layers = NULL;
  layer_capacity = 0;
}
