#include "tar_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sparse_field {
  char offset[12], length[12];
};

/* POSIX.1-1988 header; the rest of the block is the prefix (ustar) or GNU fields, of which those of
 * a sparse file are needed. */
struct header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
  char magic[8], user[32], group[32], major[8], minor[8];
  union {
    struct {
      char prefix[155], pad[12];
    };
    struct {
      char unused[41];
      struct sparse_field sparse[4];
      char extended, real_size[12], rest[17];
    } gnu;
  };
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is one block");

/* What follows the header of an old GNU sparse file whose map is longer. */
struct sparse_block {
  struct sparse_field sparse[21];
  char extended, pad[7];
};
_Static_assert(sizeof(struct sparse_block) == TAR_BLOCK, "a sparse header is one block");

/* What PAX records say of a sparse file. */
struct sparse_records {
  char name[PATH_MAX];
  bool has_name, has_version, has_size, has_real_size;
  uint64_t version[2], size, real_size, extents;
  struct tar_sparse *map; /* of formats 0.0 and 0.1, which the records hold */
};

/* What extended headers said about the entry that follows them. */
struct overrides {
  char name[PATH_MAX], link[PATH_MAX];
  bool has_name, has_link, has_size, has_uid, has_gid, has_mtime;
  uint64_t size, uid, gid;
  struct timespec mtime;
  struct sparse_records sparse;
};

static long read_fd(void *context, unsigned char *buffer, size_t size, struct error *err) {
  const struct tar_reader *reader = context;
  ssize_t count;
  do
    count = read(reader->fd, buffer, size);
  while (count < 0 && errno == EINTR);
  return count < 0 ? error_set(err, errno, "read archive") : count;
}

int tar_reader_open_stream(struct tar_reader *reader, tar_read read, void *context,
                           struct error *err) {
  *reader =
      (struct tar_reader){.read = read, .context = context, .fd = -1, .buffer = malloc(TAR_BUFFER)};
  return reader->buffer ? 0 : error_set(err, ENOMEM, "read archive");
}

int tar_reader_open(struct tar_reader *reader, int fd, struct error *err) {
  int result = tar_reader_open_stream(reader, read_fd, reader, err);
  reader->fd = fd;
  return result;
}

uint64_t tar_reader_offset(const struct tar_reader *reader) {
  return reader->offset + reader->position;
}

void tar_reader_close(struct tar_reader *reader) {
  free(reader->buffer);
  free(reader->extended);
  tar_sparse_free(&reader->pieces);
  *reader = (struct tar_reader){.fd = -1};
}

/* Makes at least one byte available; 0 at the end of the stream. */
static int fill(struct tar_reader *reader, struct error *err) {
  if (reader->position < reader->length)
    return 1;
  long count = reader->read(reader->context, reader->buffer, TAR_BUFFER, err);
  if (count < 0)
    return -1;
  reader->offset += reader->length;
  reader->position = 0;
  reader->length = (size_t)count;
  return count > 0;
}

/* Copies (or with to == NULL skips) `size` bytes; returns how many there were before the stream
 * ended, or -1. */
static int64_t take(struct tar_reader *reader, void *to, uint64_t size, struct error *err) {
  uint64_t done = 0;
  while (done < size) {
    int ready = fill(reader, err);
    if (ready <= 0)
      return ready < 0 ? -1 : (int64_t)done;
    size_t available = reader->length - reader->position;
    size_t count = size - done < available ? (size_t)(size - done) : available;
    if (to)
      memcpy((char *)to + done, reader->buffer + reader->position, count);
    reader->position += count;
    done += count;
  }
  return (int64_t)done;
}

static int take_all(struct tar_reader *reader, void *to, uint64_t size, struct error *err) {
  int64_t count = take(reader, to, size, err);
  if (count < 0)
    return -1;
  return (uint64_t)count == size ? 0 : error_set(err, 0, "archive is truncated: unexpected EOF");
}

long tar_reader_data(struct tar_reader *reader, const unsigned char **data, uint64_t *place,
                     struct error *err) {
  if (reader->content == 0)
    return 0;
  int ready = fill(reader, err);
  if (ready < 0)
    return -1;
  if (ready == 0)
    return error_set(err, 0, "archive is truncated: unexpected EOF");
  size_t count = reader->length - reader->position;
  while (reader->piece_done == reader->pieces.extents[reader->piece].length) {
    reader->piece++; /* the extents hold `content` bytes, tar_sparse_check has seen to it */
    reader->piece_done = 0;
  }
  const struct tar_extent *extent = &reader->pieces.extents[reader->piece];
  if (count > extent->length - reader->piece_done)
    count = (size_t)(extent->length - reader->piece_done);
  *data = reader->buffer + reader->position;
  *place = extent->offset + reader->piece_done;
  reader->position += count;
  reader->piece_done += count;
  reader->content -= count;
  return (long)count;
}

int tar_reader_drain(struct tar_reader *reader, struct error *err) {
  int ready;
  while ((ready = fill(reader, err)) > 0)
    reader->position = reader->length;
  return ready;
}

/* Octal text, or GNU base-256 (first bit set, two's complement). Empty is 0. Range: int64. */
static int parse_number(const char *field, size_t size, int64_t *value, struct error *err) {
  const unsigned char *bytes = (const unsigned char *)field;
  if (bytes[0] & 0x80) {
    bool negative = bytes[0] & 0x40;
    int64_t number = negative ? -1 : 0;
    for (size_t i = 0; i < size; i++) {
      unsigned char byte = i == 0 ? (bytes[0] & 0x7f) | (negative ? 0x80 : 0) : bytes[i];
      if (number > (INT64_MAX >> 8) || number < (INT64_MIN >> 8))
        return error_set(err, 0, "invalid tar header: number out of range");
      number = (int64_t)((uint64_t)number << 8 | byte);
    }
    *value = number;
    return 0;
  }
  size_t i = 0;
  int64_t number = 0;
  while (i < size && field[i] == ' ')
    i++;
  for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
    number = number << 3 | (field[i] - '0'); /* 12 digits are 36 bits: no overflow */
  if (i < size && field[i] != '\0' && field[i] != ' ')
    return error_set(err, 0, "invalid tar header: bad number");
  *value = number;
  return 0;
}

/* Old writers summed signed chars: both sums are accepted, as every reader does. */
static bool checksum_matches(const struct header *header) {
  const unsigned char *bytes = (const unsigned char *)header;
  size_t from = offsetof(struct header, checksum), to = from + sizeof header->checksum;
  int64_t plain = 0, with_sign = 0, stored;
  for (size_t i = 0; i < TAR_BLOCK; i++) {
    unsigned char byte = i >= from && i < to ? ' ' : bytes[i];
    plain += byte;
    with_sign += (signed char)byte;
  }
  struct error ignored = {0};
  return parse_number(header->checksum, sizeof header->checksum, &stored, &ignored) == 0 &&
         (stored == plain || stored == with_sign);
}

static int copy_name(char out[PATH_MAX], const char *value, size_t size, struct error *err) {
  if (size >= PATH_MAX)
    return error_set(err, 0, "invalid tar header: name of %zu bytes", size);
  if (memchr(value, '\0', size))
    return error_set(err, 0, "invalid tar header: NUL in a name");
  memcpy(out, value, size);
  out[size] = '\0';
  return 0;
}

static int parse_decimal(const char *value, uint64_t *out, struct error *err) {
  char *end;
  errno = 0;
  unsigned long long number = strtoull(value, &end, 10);
  if (*value < '0' || *value > '9' || *end || errno || number > INT64_MAX)
    return error_set(err, 0, "invalid PAX record: bad number");
  *out = number;
  return 0;
}

/* `-12.345`: seconds with a fraction, kept to the nanosecond; a negative fraction counts towards
 * the past. */
static int parse_time(const char *value, struct timespec *out, struct error *err) {
  char *end;
  errno = 0;
  long long seconds = strtoll(value, &end, 10);
  if (end == value || errno)
    return error_set(err, 0, "invalid PAX record: bad time");
  long nanoseconds = 0;
  if (*end == '.') {
    end++;
    for (long unit = 100000000; *end >= '0' && *end <= '9'; end++, unit /= 10)
      nanoseconds += (*end - '0') * unit;
  }
  if (*end)
    return error_set(err, 0, "invalid PAX record: bad time");
  if (*value == '-' && nanoseconds > 0) {
    seconds--;
    nanoseconds = 1000000000 - nanoseconds;
  }
  *out = (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
  return 0;
}

/* `GNU.sparse.KEY`: the map itself (formats 0.0 and 0.1), or that it is in front of the content. */
static int apply_sparse_record(const char *key, const char *value, size_t size,
                               struct sparse_records *sparse, struct error *err) {
  uint64_t number;
  if (strcmp(key, "name") == 0) {
    sparse->has_name = size > 0;
    return copy_name(sparse->name, value, size, err);
  }
  if (strcmp(key, "map") == 0) {
    tar_sparse_clear(sparse->map);
    return size > 0 ? tar_sparse_list(sparse->map, value, err) : 0;
  }
  if (parse_decimal(value, &number, err) < 0)
    return -1;
  if (strcmp(key, "offset") == 0 || strcmp(key, "numbytes") == 0) {
    bool in_turn = sparse->map->half == (*key == 'n');
    return in_turn ? tar_sparse_number(sparse->map, number, err)
                   : error_set(err, 0, "invalid PAX record: bad sparse map");
  }
  if (strcmp(key, "major") == 0 || strcmp(key, "minor") == 0) {
    sparse->has_version = true;
    sparse->version[key[1] == 'i'] = number;
  } else if (strcmp(key, "size") == 0) {
    sparse->has_size = true;
    sparse->size = number;
  } else if (strcmp(key, "realsize") == 0) {
    sparse->has_real_size = true;
    sparse->real_size = number;
  } else if (strcmp(key, "numblocks") == 0) {
    sparse->extents = number;
  }
  return 0;
}

/* `key` and `value` are NUL-terminated in place; `size` is the value's. */
static int apply_record(const char *key, const char *value, size_t size, struct overrides *over,
                        struct tar_entry *entry, struct error *err) {
  static const char xattr[] = "SCHILY.xattr.", sparse[] = "GNU.sparse.";
  if (strcmp(key, "path") == 0) {
    over->has_name = true;
    return copy_name(over->name, value, size, err);
  }
  if (strcmp(key, "linkpath") == 0) {
    over->has_link = true;
    return copy_name(over->link, value, size, err);
  }
  if (strcmp(key, "size") == 0) {
    over->has_size = true;
    return parse_decimal(value, &over->size, err);
  }
  if (strcmp(key, "uid") == 0) {
    over->has_uid = true;
    return parse_decimal(value, &over->uid, err);
  }
  if (strcmp(key, "gid") == 0) {
    over->has_gid = true;
    return parse_decimal(value, &over->gid, err);
  }
  if (strcmp(key, "mtime") == 0) {
    over->has_mtime = true;
    return parse_time(value, &over->mtime, err);
  }
  if (strncmp(key, sparse, sizeof sparse - 1) == 0)
    return apply_sparse_record(key + sizeof sparse - 1, value, size, &over->sparse, err);
  /* An empty value takes a record back (POSIX pax): as in Go, such an attribute is none. */
  if (strncmp(key, xattr, sizeof xattr - 1) == 0 && size > 0) {
    if (entry->xattr_count == TAR_MAX_XATTRS)
      return error_set(err, 0, "invalid PAX record: too many extended attributes");
    entry->xattrs[entry->xattr_count++] =
        (struct tar_xattr){.name = key + sizeof xattr - 1, .value = value, .size = size};
  }
  return 0;
}

/* Records `LENGTH KEY=VALUE\n`, LENGTH counting the whole record. */
static int parse_pax(char *data, size_t length, struct overrides *over, struct tar_entry *entry,
                     struct error *err) {
  while (length > 0) {
    size_t size = 0, digits = 0;
    while (digits < length && digits < 8 && data[digits] >= '0' && data[digits] <= '9')
      size = size * 10 + (size_t)(data[digits++] - '0');
    if (digits == 0 || digits >= length || data[digits] != ' ' || size > length ||
        size < digits + 4 || data[size - 1] != '\n')
      return error_set(err, 0, "invalid PAX record");
    char *key = data + digits + 1, *end = data + size - 1;
    char *equals = memchr(key, '=', (size_t)(end - key));
    if (!equals || equals == key || memchr(key, '\0', (size_t)(equals - key)))
      return error_set(err, 0, "invalid PAX record");
    *equals = *end = '\0';
    if (apply_record(key, equals + 1, (size_t)(end - equals - 1), over, entry, err) < 0)
      return -1;
    data += size;
    length -= size;
  }
  return 0;
}

/* The content of an 'x', 'g', 'L' or 'K' entry, NUL-terminated, in `reader->extended`. */
static int read_extended(struct tar_reader *reader, uint64_t size, struct error *err) {
  if (size > TAR_MAX_PAX)
    return error_set(err, 0, "invalid tar header: extended header of %llu bytes",
                     (unsigned long long)size);
  free(reader->extended);
  reader->extended = malloc(size + 1);
  if (!reader->extended)
    return error_set(err, ENOMEM, "read archive");
  reader->extended[size] = '\0';
  if (take_all(reader, reader->extended, size, err) < 0)
    return -1;
  return take_all(reader, NULL, -size % TAR_BLOCK, err);
}

static void forget_sparse(struct sparse_records *sparse, struct tar_sparse *map) {
  sparse->has_name = sparse->has_version = sparse->has_size = sparse->has_real_size = false;
  sparse->version[0] = sparse->version[1] = sparse->extents = 0;
  sparse->map = map;
  tar_sparse_clear(map);
}

/* Handles an extended header; the entry it describes follows. */
static int apply_extended(struct tar_reader *reader, char type, uint64_t size,
                          struct overrides *over, struct tar_entry *entry, struct error *err) {
  /* xattrs point into the buffer that is about to go: a second 'x' replaces the first, as in Go's
   * reader. */
  if (type == 'x') {
    entry->xattr_count = 0;
    forget_sparse(&over->sparse, &reader->pieces);
  } else if (entry->xattr_count > 0)
    return error_set(err, 0, "invalid tar header: mixed extended headers");
  if (read_extended(reader, size, err) < 0)
    return -1;
  if (type == 'x')
    return parse_pax(reader->extended, size, over, entry, err);
  if (type == 'g')
    return 0; /* global PAX headers describe the archive (git's commit id): ignored, as Docker does
               */
  size_t length = strnlen(reader->extended, size);
  bool *has = type == 'L' ? &over->has_name : &over->has_link;
  *has = true;
  return copy_name(type == 'L' ? over->name : over->link, reader->extended, length, err);
}

/* 1: a header. 0: the end (two zero blocks, or the stream ends at a block boundary). */
static int read_header(struct tar_reader *reader, struct header *header, struct error *err) {
  static const struct header zero;
  for (int zeros = 0;; zeros++) {
    int64_t count = take(reader, header, sizeof *header, err);
    if (count < 0)
      return -1;
    if (count == 0 || (zeros == 1 && memcmp(header, &zero, sizeof zero) == 0)) {
      reader->end_mark = zeros > 0;
      return 0;
    }
    if (count < (int64_t)sizeof *header)
      return error_set(err, 0, "archive is truncated: unexpected EOF");
    if (memcmp(header, &zero, sizeof zero) == 0)
      continue;
    if (zeros > 0 || !checksum_matches(header))
      return error_set(err, 0, "invalid tar header");
    return 1;
  }
}

static void header_name(const struct header *header, char out[PATH_MAX]) {
  size_t length = 0;
  /* GNU uses the prefix field for other things and says so in its magic ("ustar  "). */
  if (memcmp(header->magic, "ustar\0", 6) == 0 && header->prefix[0]) {
    length = strnlen(header->prefix, sizeof header->prefix);
    memcpy(out, header->prefix, length);
    out[length++] = '/';
  }
  size_t rest = strnlen(header->name, sizeof header->name);
  memcpy(out + length, header->name, rest);
  out[length + rest] = '\0';
}

static int parse_ids(const struct header *header, const struct overrides *over,
                     struct tar_entry *entry, struct error *err) {
  int64_t mode, uid, gid, major, minor;
  if (parse_number(header->mode, sizeof header->mode, &mode, err) < 0 ||
      parse_number(header->uid, sizeof header->uid, &uid, err) < 0 ||
      parse_number(header->gid, sizeof header->gid, &gid, err) < 0 ||
      parse_number(header->major, sizeof header->major, &major, err) < 0 ||
      parse_number(header->minor, sizeof header->minor, &minor, err) < 0)
    return -1;
  if (over->has_uid)
    uid = (int64_t)over->uid;
  if (over->has_gid)
    gid = (int64_t)over->gid;
  /* SECURITY: 2024-40635, (uid_t)-1 means "leave it" to chown. */
  if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
    return error_set(err, 0, "%.256s: invalid owner", entry->name);
  entry->mode = (uint32_t)(mode & 07777);
  entry->uid = (uint32_t)uid;
  entry->gid = (uint32_t)gid;
  bool device = header->type == '3' || header->type == '4';
  if (device && (major < 0 || minor < 0 || major > 0xfff || minor > 0xfffff))
    return error_set(err, 0, "%.256s: invalid device number", entry->name);
  entry->device_major = device ? (uint32_t)major : 0;
  entry->device_minor = device ? (uint32_t)minor : 0;
  return 0;
}

/* Up to the first empty field. */
static int add_fields(struct tar_sparse *map, const struct sparse_field *fields, size_t count,
                      struct error *err) {
  for (size_t i = 0; i < count && fields[i].offset[0] && fields[i].length[0]; i++) {
    int64_t offset, length;
    if (parse_number(fields[i].offset, sizeof fields[i].offset, &offset, err) < 0 ||
        parse_number(fields[i].length, sizeof fields[i].length, &length, err) < 0)
      return -1;
    /* A negative number is larger than any that is allowed. */
    if (tar_sparse_number(map, (uint64_t)offset, err) < 0 ||
        tar_sparse_number(map, (uint64_t)length, err) < 0)
      return -1;
  }
  return 0;
}

/* GNU tar's own header type 'S': the map in the header and in blocks behind it. */
static int read_old_map(struct tar_reader *reader, const struct header *header,
                        struct tar_entry *entry, struct error *err) {
  int64_t size;
  if (memcmp(header->magic, "ustar  ", sizeof header->magic) != 0)
    return error_set(err, 0, "invalid tar header: sparse file of an unknown format");
  if (parse_number(header->gnu.real_size, sizeof header->gnu.real_size, &size, err) < 0)
    return -1;
  entry->size = size < 0 ? UINT64_MAX : (uint64_t)size;
  tar_sparse_clear(&reader->pieces);
  if (add_fields(&reader->pieces, header->gnu.sparse, 4, err) < 0)
    return -1;
  for (bool goes_on = header->gnu.extended; goes_on;) {
    struct sparse_block block;
    if (take_all(reader, &block, sizeof block, err) < 0 ||
        add_fields(&reader->pieces, block.sparse, 21, err) < 0)
      return -1;
    goes_on = block.extended;
  }
  return 0;
}

/* PAX 1.0: the map is in front of the content, in whole blocks. */
static int read_lines(struct tar_reader *reader, struct error *err) {
  struct tar_sparse_lines lines = {0};
  char block[TAR_BLOCK];
  int done;
  tar_sparse_clear(&reader->pieces);
  do {
    if (reader->content < sizeof block)
      return error_set(err, 0, "invalid tar header: bad sparse map");
    if (take_all(reader, block, sizeof block, err) < 0)
      return -1;
    reader->content -= sizeof block;
    done = tar_sparse_block(&reader->pieces, &lines, block, sizeof block, err);
  } while (done == 0);
  return done < 0 ? -1 : 0;
}

/* 1: the records tell of a sparse file. A version that nobody knows is none, as in Go's reader. */
static int read_pax_map(struct tar_reader *reader, struct sparse_records *sparse,
                        struct tar_entry *entry, struct error *err) {
  bool in_records = reader->pieces.count > 0 || reader->pieces.half;
  bool is_first = sparse->version[0] == 0 && sparse->version[1] <= 1;
  bool is_second = sparse->version[0] == 1 && sparse->version[1] == 0;
  if (sparse->has_version ? !is_first && !is_second : !in_records)
    return 0;
  if (entry->type != '0')
    return error_set(err, 0, "%.256s: invalid tar header: no file, and sparse", entry->name);
  if (sparse->has_name)
    memcpy(entry->name, sparse->name, strlen(sparse->name) + 1);
  entry->size = sparse->has_size        ? sparse->size
                : sparse->has_real_size ? sparse->real_size
                                        : reader->content;
  if (is_second)
    return read_lines(reader, err) < 0 ? -1 : 1;
  if (sparse->extents != reader->pieces.count)
    return error_set(err, 0, "%.256s: invalid PAX record: bad sparse map", entry->name);
  return 1;
}

/* Sets the entry's size and which pieces of it follow. */
static int read_pieces(struct tar_reader *reader, const struct header *header,
                       struct sparse_records *sparse, struct tar_entry *entry, struct error *err) {
  reader->piece = 0;
  reader->piece_done = 0;
  int found = entry->type == 'S' ? read_old_map(reader, header, entry, err)
                                 : read_pax_map(reader, sparse, entry, err);
  if (found < 0)
    return -1;
  entry->sparse = entry->type == 'S' || found > 0;
  entry->extents = NULL;
  entry->extent_count = 0;
  if (!entry->sparse) {
    entry->size = reader->content;
    tar_sparse_clear(&reader->pieces);
    return tar_sparse_number(&reader->pieces, 0, err) < 0 ||
                   tar_sparse_number(&reader->pieces, entry->size, err) < 0
               ? -1
               : 0;
  }
  entry->type = '0';
  entry->extents = reader->pieces.extents;
  entry->extent_count = reader->pieces.count;
  if (tar_sparse_check(&reader->pieces, entry->size, reader->content, err) < 0)
    return error_wrap(err, "%.256s", entry->name);
  return 0;
}

static int fill_entry(struct tar_reader *reader, const struct header *header,
                      struct overrides *over, int64_t size, struct tar_entry *entry,
                      struct error *err) {
  int64_t mtime;
  size_t link_length = strnlen(header->link, sizeof header->link);
  if (over->has_name)
    memcpy(entry->name, over->name, strlen(over->name) + 1);
  else
    header_name(header, entry->name);
  if (over->has_link)
    memcpy(entry->link, over->link, strlen(over->link) + 1);
  else
    *(char *)mempcpy(entry->link, header->link, link_length) = '\0';
  if (parse_ids(header, over, entry, err) < 0 ||
      parse_number(header->mtime, sizeof header->mtime, &mtime, err) < 0)
    return -1;
  entry->mtime = over->has_mtime ? over->mtime : (struct timespec){.tv_sec = mtime};
  entry->type = header->type == '\0' || header->type == '7' ? '0' : header->type;
  size_t length = strlen(entry->name);
  if (entry->type == '0' && length > 0 && entry->name[length - 1] == '/')
    entry->type = '5'; /* before ustar a directory was a file whose name ends in "/" */
  if (entry->type != 'S' && (entry->type < '0' || entry->type > '6'))
    return error_set(err, 0, "%.256s: unhandled tar header type %d", entry->name, entry->type);
  /* Links and directories carry no content whatever their size field says (old tars fill it in). */
  bool has_content = entry->type == '0' || entry->type == 'S';
  reader->content = has_content ? (uint64_t)size : 0;
  reader->padding = -reader->content % TAR_BLOCK;
  if (read_pieces(reader, header, &over->sparse, entry, err) < 0)
    return -1;
  if (++reader->entries > TAR_MAX_ENTRIES || entry->size > TAR_MAX_BYTES ||
      (reader->bytes += entry->size) > TAR_MAX_BYTES)
    return error_set(err, EFBIG, "archive is too large");
  return 0;
}

int tar_reader_next(struct tar_reader *reader, struct tar_entry *entry, struct error *err) {
  struct header header;
  struct overrides over;
  over.has_name = over.has_link = over.has_size = over.has_uid = over.has_gid = false;
  over.has_mtime = false;
  forget_sparse(&over.sparse, &reader->pieces);
  entry->xattr_count = 0;
  if (take_all(reader, NULL, reader->content, err) < 0 ||
      take_all(reader, NULL, reader->padding, err) < 0)
    return -1;
  reader->content = reader->padding = 0;
  for (bool extended = false;; extended = true) {
    int found = read_header(reader, &header, err);
    if (found < 0)
      return -1;
    if (found == 0)
      return extended ? error_set(err, 0, "archive is truncated: unexpected EOF") : 0;
    int64_t size;
    if (parse_number(header.size, sizeof header.size, &size, err) < 0)
      return -1;
    if (size < 0)
      return error_set(err, 0, "invalid tar header: negative size");
    if (!strchr("xgLK", header.type) || header.type == '\0') {
      if (over.has_size)
        size = (int64_t)over.size;
      return fill_entry(reader, &header, &over, size, entry, err) < 0 ? -1 : 1;
    }
    if (apply_extended(reader, header.type, (uint64_t)size, &over, entry, err) < 0)
      return -1;
  }
}
