/*
 * Paths inside a container's root, as descriptors. SECURITY: 2021-30465, 2019-19921, 2023-28642: a
 * path string is resolved once, by the kernel, inside the root; what follows happens on the
 * descriptor.
 */
#ifndef GANTRY_RESOLVE_H
#define GANTRY_RESOLVE_H

#include <limits.h>
#include <stdbool.h>

#include "error.h"

/* openat2 confined to `root`; -1 with errno set. Magic links are never followed. */
int resolve(int root, const char *path, int flags, bool follow_symlinks);

/* O_PATH descriptor of `path`; missing directories are made (0755), the last part as an empty file
 * when `file`. */
int resolve_or_create(int root, const char *path, bool file, bool follow_symlinks,
                      struct error *err);

/*
 * Splits off the last part: O_PATH descriptor of the (made if missing) parent, *name points into
 * `clean`, which holds the cleaned path.
 */
int resolve_parent(int root, const char *path, char clean[PATH_MAX], const char **name,
                   struct error *err);

#endif
