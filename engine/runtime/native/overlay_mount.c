#include "overlay_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "descriptor.h"
#include "filesystem.h"
#include "user_namespace.h"

enum { FSCONFIG_MAX_STRING = 255 };

/* fsconfig takes at most 255 bytes; a longer path goes in as a descriptor's link. */
static int set_layer(int context, const char *key, const char *path) {
  if (strlen(path) <= FSCONFIG_MAX_STRING)
    return filesystem_set(context, key, path);
  autoclose int layer = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (layer < 0)
    return -1;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", layer);
  return filesystem_set(context, key, link);
}

int overlay_open(const struct overlay_layers *layers, struct error *err) {
  autoclose int context = fsopen("overlay", FSOPEN_CLOEXEC);
  if (context < 0)
    return error_set(err, errno, "filesystem overlay");
  filesystem_set(context, "source", "overlay");
  for (size_t i = 0; i < layers->lower->count; i++) {
    if (set_layer(context, "lowerdir+", layers->lower->items[i]) < 0)
      return error_set(err, errno, "layer %s", layers->lower->items[i]);
  }
  if (layers->upper && (set_layer(context, "upperdir", layers->upper) < 0 ||
                        set_layer(context, "workdir", layers->work) < 0))
    return error_set(err, errno, "writable layer %s", layers->upper);
  if (user_namespace_is_child() && filesystem_set(context, "userxattr", NULL) < 0)
    return error_set(err, errno, "overlay in a user namespace");
  if (layers->is_volatile && filesystem_set(context, "volatile", NULL) < 0)
    return error_set(err, errno, "volatile overlay");
  return filesystem_finish(context, "overlay", layers->attributes, err);
}
