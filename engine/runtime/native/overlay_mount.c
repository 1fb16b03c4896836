#include "overlay_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "descriptor.h"
#include "filesystem.h"
#include "layer_mount.h"
#include "layer_table.h"
#include "overlay_apart.h"
#include "user_namespace.h"

enum { FSCONFIG_MAX_STRING = 255 };

static int set_link(int context, const char *key, int fd) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return filesystem_set(context, key, link);
}

/* fsconfig takes at most 255 bytes; a longer path goes in as a descriptor's link. */
static int set_directory(int context, const char *key, const char *path, struct error *err) {
  if (strlen(path) <= FSCONFIG_MAX_STRING)
    return filesystem_set(context, key, path) < 0 ? error_set(err, errno, "layer %.256s", path) : 0;
  autoclose int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || set_link(context, key, fd) < 0)
    return error_set(err, errno, "layer %.256s", path);
  return 0;
}

/* `own`: a mount that must stay open until the overlay stands, if one was made. */
static int set_lower(int context, const char *path, int *own, struct error *err) {
  if (!layer_is_image(path))
    return set_directory(context, "lowerdir+", path, err);
  int layer = layer_table_find(path);
  if (layer < 0)
    layer = *own = layer_mount_open(path, err);
  if (layer < 0)
    return -1;
  if (set_link(context, "lowerdir+", layer) < 0)
    return error_set(err, errno, "layer %.256s", path);
  return 0;
}

static int configure(int context, const struct overlay_layers *layers, int *own,
                     struct error *err) {
  filesystem_set(context, "source", "overlay");
  for (size_t i = 0; i < layers->lower->count; i++) {
    if (set_lower(context, layers->lower->items[i], &own[i], err) < 0)
      return -1;
  }
  if (layers->upper && (set_directory(context, "upperdir", layers->upper, err) < 0 ||
                        set_directory(context, "workdir", layers->work, err) < 0))
    return error_wrap(err, "writable layer");
  if (user_namespace_is_child() && filesystem_set(context, "userxattr", NULL) < 0)
    return error_set(err, errno, "overlay in a user namespace");
  /*
   * A commit reads the upper directory by itself: a renamed directory must be a whole copy there,
   * not a pointer into the layers below. Unknown to kernels that never redirect.
   */
  filesystem_set(context, "redirect_dir", "nofollow");
  filesystem_set(context, "metacopy", "off");
  if (layers->is_volatile && filesystem_set(context, "volatile", NULL) < 0)
    return error_set(err, errno, "volatile overlay");
  return filesystem_finish(context, "overlay", layers->attributes, err);
}

static int open_single(const char *path, uint32_t attributes, struct error *err) {
  autoclose int layer = layer_mount_open(path, err);
  if (layer < 0)
    return -1;
  autoclose int mount = layer_is_image(path) ? take_fd(&layer) : mount_clone(layer, false, err);
  return mount < 0 || mount_restrict(mount, attributes, false, err) < 0 ? -1 : take_fd(&mount);
}

int overlay_open(const struct overlay_layers *layers, struct error *err) {
  if (layers->mapping || (layers->subpath && *layers->subpath))
    return overlay_open_apart(layers, err);
  if (layers->lower->count == 1 && !layers->upper)
    return open_single(layers->lower->items[0], layers->attributes, err);
  autoclose int context = fsopen("overlay", FSOPEN_CLOEXEC);
  if (context < 0)
    return error_set(err, errno, "filesystem overlay");
  int *own = malloc((layers->lower->count + 1) * sizeof *own);
  if (!own)
    return error_set(err, ENOMEM, "overlay");
  for (size_t i = 0; i < layers->lower->count; i++)
    own[i] = -1;
  int mount = configure(context, layers, own, err);
  for (size_t i = 0; i < layers->lower->count; i++)
    close_fd(&own[i]);
  free(own);
  /* A writable one, PID 1 can mount itself where nobody sees it. */
  if (mount < 0 && err->number == EINVAL && !layers->upper)
    return overlay_open_apart(layers, err);
  return mount;
}
