/* Inodes that a walk has met, so that a file with several names is written, copied or counted once.
 */
#ifndef GANTRY_LINK_TABLE_H
#define GANTRY_LINK_TABLE_H

#include <stddef.h>
#include <sys/stat.h>

#include "error.h"

struct link;

struct link_table {
  struct link *links; /* open addressing */
  size_t count, capacity;
};

/*
 * The name under which this inode was met before; NULL: not yet (it is now known as `name`), or no
 * memory (*err).
 */
const char *link_table_meet(struct link_table *table, const struct stat *status, const char *name,
                            struct error *err);

void link_table_free(struct link_table *table);

#endif
