#include "tar_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* POSIX.1-1988 header; the rest of the block is the prefix (ustar) or GNU fields that are not
 * needed. */
struct header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
  char magic[8], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is one block");

/* What extended headers said about the entry that follows them. */
struct overrides {
  char name[PATH_MAX], link[PATH_MAX];
  bool has_name, has_link, has_size, has_uid, has_gid, has_mtime;
  uint64_t size, uid, gid;
  struct timespec mtime;
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

long tar_reader_data(struct tar_reader *reader, const unsigned char **data, struct error *err) {
  if (reader->content == 0)
    return 0;
  int ready = fill(reader, err);
  if (ready < 0)
    return -1;
  if (ready == 0)
    return error_set(err, 0, "archive is truncated: unexpected EOF");
  size_t count = reader->length - reader->position;
  if (count > reader->content)
    count = (size_t)reader->content;
  *data = reader->buffer + reader->position;
  reader->position += count;
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

/* `key` and `value` are NUL-terminated in place; `size` is the value's. */
static int apply_record(const char *key, const char *value, size_t size, struct overrides *over,
                        struct tar_entry *entry, struct error *err) {
  static const char xattr[] = "SCHILY.xattr.";
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
  if (strncmp(key, "GNU.sparse.", 11) == 0)
    return error_set(err, 0, "sparse files are not supported in archives");
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

/* Handles an extended header; the entry it describes follows. */
static int apply_extended(struct tar_reader *reader, char type, uint64_t size,
                          struct overrides *over, struct tar_entry *entry, struct error *err) {
  /* xattrs point into the buffer that is about to go: a second 'x' replaces the first, as in Go's
   * reader. */
  if (type == 'x')
    entry->xattr_count = 0;
  else if (entry->xattr_count > 0)
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
    if (count == 0 || (zeros == 1 && memcmp(header, &zero, sizeof zero) == 0))
      return 0;
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

static int fill_entry(struct tar_reader *reader, const struct header *header,
                      const struct overrides *over, int64_t size, struct tar_entry *entry,
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
  if (entry->type == 'S')
    return error_set(err, 0, "%.256s: sparse files are not supported in archives", entry->name);
  if (entry->type < '0' || entry->type > '6')
    return error_set(err, 0, "%.256s: unhandled tar header type %d", entry->name, entry->type);
  /* Links and directories carry no content whatever their size field says (old tars fill it in). */
  entry->size = entry->type == '0' ? (uint64_t)size : 0;
  if (++reader->entries > TAR_MAX_ENTRIES || entry->size > TAR_MAX_BYTES ||
      (reader->bytes += entry->size) > TAR_MAX_BYTES)
    return error_set(err, EFBIG, "archive is too large");
  reader->content = entry->size;
  reader->padding = -entry->size % TAR_BLOCK;
  return 0;
}

int tar_reader_next(struct tar_reader *reader, struct tar_entry *entry, struct error *err) {
  struct header header;
  struct overrides over;
  over.has_name = over.has_link = over.has_size = over.has_uid = over.has_gid = false;
  over.has_mtime = false;
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
