/* Writes POSIX (PAX) tar streams: plain ustar headers where they suffice, extended ones where not.
 */
#ifndef GANTRY_TAR_WRITER_H
#define GANTRY_TAR_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "error.h"
#include "sha256.h"

struct tar_writer {
  int fd;                  /* -1: nothing is written, only `hash` is told */
  struct sha256 *hash;     /* or NULL */
  uint64_t bytes, content; /* of the archive, and of the files in it */
  unsigned char *buffer;
  size_t length;
};

/* What a header says; `name` as it is to appear, directories end in "/". */
struct tar_item {
  const char *name;
  const char *link; /* target of a symbolic or hard link, else NULL */
  bool hard_link;
  const struct stat *status;
  int xattrs_from; /* open file whose attributes are kept, -1: none */
};

int tar_writer_open(struct tar_writer *writer, int fd, struct error *err);
void tar_writer_close(struct tar_writer *writer);

/* A header; for a regular file that is no hard link exactly st_size bytes of content must follow.
 */
int tar_writer_item(struct tar_writer *writer, const struct tar_item *item, struct error *err);

/* Copies the content of the open file `fd`; a file that shrank meanwhile is filled up with zeros.
 */
int tar_writer_content(struct tar_writer *writer, int fd, uint64_t size, struct error *err);

/* The end mark; flushes. */
int tar_writer_finish(struct tar_writer *writer, struct error *err);

#endif
