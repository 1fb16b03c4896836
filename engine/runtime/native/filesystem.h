/* Thin layer over the kernel's mount API (fsopen, fsmount, open_tree, move_mount, mount_setattr).
 */
#ifndef GANTRY_FILESYSTEM_H
#define GANTRY_FILESYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* A detached mount of a new filesystem instance. `data` as for mount(2): `mode=755,size=64m`. */
int filesystem_mount(const char *type, const char *data, uint32_t attributes, struct error *err);

/* The same of a device or the like; "": none, as above. */
int filesystem_mount_source(const char *type, const char *source, const char *data,
                            uint32_t attributes, struct error *err);

/* One string parameter of an fsopen descriptor; -1 with errno. */
int filesystem_set(int context, const char *key, const char *value);

/* Ends an fsopen context into a detached mount; the kernel's own log line goes into the message. */
int filesystem_finish(int context, const char *type, uint32_t attributes, struct error *err);

/* Attaches a detached mount on the directory or file `target` (a descriptor). */
int mount_attach(int mount, int target, struct error *err);

/* A clone of what `fd` shows. */
int mount_clone(int fd, bool recursive, struct error *err);

/* Owners of files become what `user_namespace` maps their numbers to (Linux 5.12). Only before the
 * mount is attached. */
int mount_map(int mount, int user_namespace, struct error *err);

/* Adds MOUNT_ATTR_* to a mount. */
int mount_restrict(int mount, uint32_t attributes, bool recursive, struct error *err);

#endif
