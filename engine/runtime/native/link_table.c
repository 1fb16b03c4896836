#include "link_table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct link {
  dev_t device;
  ino_t inode;
  char *name; /* NULL: free */
};

static struct link *find(const struct link_table *table, dev_t device, ino_t inode) {
  size_t mask = table->capacity - 1;
  size_t slot = ((size_t)inode * 0x9e3779b97f4a7c15u >> 20 ^ (size_t)device) & mask;
  while (table->links[slot].name &&
         (table->links[slot].inode != inode || table->links[slot].device != device))
    slot = (slot + 1) & mask;
  return &table->links[slot];
}

static int grow(struct link_table *table, struct error *err) {
  if (table->count * 2 < table->capacity)
    return 0;
  struct link_table bigger = {.capacity = table->capacity ? table->capacity * 2 : 64};
  bigger.links = calloc(bigger.capacity, sizeof *bigger.links);
  if (!bigger.links)
    return error_set(err, ENOMEM, "hard links");
  for (size_t i = 0; i < table->capacity; i++) {
    if (table->links[i].name)
      *find(&bigger, table->links[i].device, table->links[i].inode) = table->links[i];
  }
  free(table->links);
  table->links = bigger.links;
  table->capacity = bigger.capacity;
  return 0;
}

const char *link_table_meet(struct link_table *table, const struct stat *status, const char *name,
                            struct error *err) {
  if (grow(table, err) < 0)
    return NULL;
  struct link *link = find(table, status->st_dev, status->st_ino);
  if (link->name)
    return link->name;
  *link = (struct link){status->st_dev, status->st_ino, strdup(name)};
  table->count++;
  if (!link->name)
    error_set(err, ENOMEM, "hard links");
  return NULL;
}

void link_table_free(struct link_table *table) {
  for (size_t i = 0; i < table->capacity; i++)
    free(table->links[i].name);
  free(table->links);
}
