/*
 * One gzip member (RFC 1952) at a time, with its checksum looked at. Two libraries do it: zlib in
 * the static program, igzip, more than twice as fast, in the one for layers, as Debian has it only
 * as a shared library.
 */
#ifndef GANTRY_GZIP_MEMBER_H
#define GANTRY_GZIP_MEMBER_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct gzip_member;

/* NULL when out of memory. */
struct gzip_member *gzip_member_open(void);
void gzip_member_close(struct gzip_member *member);

/* Begins another member. */
void gzip_member_restart(struct gzip_member *member);

/* Goes as far as input and output allow, at most to the member's end: *ended. What was used and
 * made is returned in the sizes. -1 with *err when the data is damaged. */
int gzip_member_run(struct gzip_member *member, const unsigned char *input, size_t *input_size,
                    unsigned char *output, size_t *output_size, bool *ended, struct error *err);

#endif
