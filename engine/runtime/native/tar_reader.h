/* A streaming reader of hostile tar archives: ustar, GNU long names and base-256 numbers, PAX,
 * sparse files in all formats of GNU tar. */
#ifndef GANTRY_TAR_READER_H
#define GANTRY_TAR_READER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "error.h"
#include "tar_sparse.h"

enum {
  TAR_BLOCK = 512,
  TAR_BUFFER = 256 * 1024,
  TAR_MAX_PAX = 1024 * 1024, /* bytes of one extended header */
  TAR_MAX_XATTRS = 64,       /* per entry */
};
#define TAR_MAX_ENTRIES UINT64_C(10000000)
#define TAR_MAX_BYTES (UINT64_C(1) << 42) /* 4 TiB of file content */

struct tar_xattr {
  const char *name;  /* into the entry's extended header, NUL-terminated */
  const char *value; /* may hold NULs */
  size_t size;
};

struct tar_entry {
  char
      type; /* '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' directory, '6' fifo */
  char name[PATH_MAX];
  char link[PATH_MAX];
  uint32_t mode; /* permission bits only */
  uint32_t uid, gid;
  uint32_t device_major, device_minor;
  uint64_t size; /* of the content, holes included; 0 unless a file */
  bool sparse;
  const struct tar_extent *extents; /* of a sparse file: valid until the next entry */
  size_t extent_count;
  struct timespec mtime;
  struct tar_xattr xattrs[TAR_MAX_XATTRS];
  size_t xattr_count;
};

/* Reads like read(2): bytes, 0 at the end, or -1 with *err. */
typedef long (*tar_read)(void *context, unsigned char *buffer, size_t size, struct error *err);

struct tar_reader {
  tar_read read;
  void *context;
  int fd;                /* of tar_reader_open */
  unsigned char *buffer; /* TAR_BUFFER bytes */
  size_t position, length;
  uint64_t offset;          /* of the buffer's first byte in the archive */
  uint64_t content;         /* bytes of the current entry not yet read */
  uint64_t padding;         /* bytes after it up to the block's end */
  struct tar_sparse pieces; /* of the current entry; a plain file is one */
  size_t piece;             /* being read */
  uint64_t piece_done;      /* bytes of it */
  uint64_t entries, bytes;
  bool end_mark;  /* at the end: zero blocks told it, not only the end of the stream */
  char *extended; /* the current entry's PAX header; xattrs point into it */
};

/* -1 when out of memory. Does not own `fd`. */
int tar_reader_open(struct tar_reader *reader, int fd, struct error *err);
int tar_reader_open_stream(struct tar_reader *reader, tar_read read, void *context,
                           struct error *err);
void tar_reader_close(struct tar_reader *reader);

/* 1: *entry holds the next entry. 0: the archive ended well. -1: damaged, truncated or over a
 * bound. */
int tar_reader_next(struct tar_reader *reader, struct tar_entry *entry, struct error *err);

/* Next piece of the current entry's content, valid until the next call, and where in the file it
 * belongs: a sparse file's holes are left out. Its size, 0 at the end, or -1. */
long tar_reader_data(struct tar_reader *reader, const unsigned char **data, uint64_t *place,
                     struct error *err);

/* Where in the archive the next byte is that was not yet given out. */
uint64_t tar_reader_offset(const struct tar_reader *reader);

/* Reads to the end of the stream, so that a writer or a digest on the way sees every byte. */
int tar_reader_drain(struct tar_reader *reader, struct error *err);

#endif
