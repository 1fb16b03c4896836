/* Tar archives made by hand for the tests, damaged ones included. */
#ifndef GANTRY_TAR_BUILDER_H
#define GANTRY_TAR_BUILDER_H

#include <stddef.h>

/* The archive under construction; a test that is done with it sets size to 0. */
struct archive {
  unsigned char bytes[64 * 1024];
  size_t size;
};
extern struct archive archive;

/* A header alone, owned by the user who runs the tests. `size_field`: the 12 bytes of the field;
 * `link` may be NULL. */
void add_header(const char *name, char type, const char *size_field, const char *prefix,
                const char *link);

/* An entry with content. */
void add(const char *name, char type, const void *content, size_t size);

/* A link or an empty entry. */
void add_link(const char *name, char type, const char *link);

void add_end(void);

/* An open file that holds these bytes, at its start. */
int open_bytes(const void *bytes, size_t size);

#endif
