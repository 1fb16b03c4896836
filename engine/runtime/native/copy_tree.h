/* Copies of whole trees: a volume's clone, and what the image has under a tmpfs (tmpcopyup). */
#ifndef GANTRY_COPY_TREE_H
#define GANTRY_COPY_TREE_H

#include <sys/types.h>

#include "error.h"

/*
 * Copies everything below directory `from` (may be O_PATH) into the empty directory `to`: content
 * (shared with the original where the file system can, holes kept), hard links, owners, modes,
 * attributes and times. Sockets are left out, no symbolic link is followed, depth is limited.
 */
int copy_tree(int from, int to, struct error *err);

/* Owner, mode, extended attributes and times of `from` for `to`, both open files or directories. */
int copy_attributes(int from, int to, struct error *err);

/* The first `size` bytes of the open file `from` for the empty file `to`. */
int copy_content(int from, int to, off_t size, struct error *err);

#endif
