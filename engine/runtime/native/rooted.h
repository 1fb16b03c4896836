/* Path resolution that cannot leave a directory, by openat2(2). */
#ifndef GANTRY_ROOTED_H
#define GANTRY_ROOTED_H

#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/* Inside the tree as given: no symbolic link anywhere, not above the directory. */
#define ROOTED_STRICT (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
/* Symbolic links are followed as long as they stay below (absolute ones do not). */
#define ROOTED_BENEATH (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)
/* As if chroot'ed: absolute links and ".." end at the directory. */
#define ROOTED_IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

/* openat2 with O_CLOEXEC added; retries EAGAIN (a rename raced ".." in the walk). -1 with errno. */
int rooted_open(int directory, const char *path, int flags, mode_t mode, uint64_t resolve);

/*
 * Opens the directory `path` in `directory` as O_PATH and makes missing components (mode 0755,
 * owner as the process), one by one, never through a link that `resolve` forbids. Returns the fd,
 * or -1 with *err.
 */
int rooted_make_directories(int directory, const char *path, uint64_t resolve, struct error *err);

/*
 * Lexical clean-up of an archive's entry name into `out` (PATH_MAX bytes): no leading, doubled or
 * trailing "/", no
 * "." and no ".." component; "" is the root itself. -1 when it climbs above the root, is too long
 * or too deep.
 */
int rooted_clean(const char *name, char *out, struct error *err);

/* Mount id (statx) of an open file: equal ids are on one mount. -1 with errno. */
int rooted_mount_id(int fd, uint64_t *id);

/*
 * Removes `name` in `parent`, recursively, never following links and never entering another mount
 * (EXDEV). SECURITY: a leaked shared mount below the tree must not lose host files. A missing name
 * is no error.
 */
int rooted_remove(int parent, const char *name, struct error *err);

#endif
