#include "tar_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { BLOCK = 512, BUFFER = 256 * 1024, MAX_XATTR_NAMES = 64 * 1024, MAX_XATTR = 64 * 1024 };

struct header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
  char magic[8], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static const unsigned char zeros[2 * BLOCK];

int tar_writer_open(struct tar_writer *writer, int fd, struct error *err) {
  *writer = (struct tar_writer){.fd = fd, .buffer = malloc(BUFFER)};
  return writer->buffer ? 0 : error_set(err, ENOMEM, "write archive");
}

void tar_writer_close(struct tar_writer *writer) {
  free(writer->buffer);
  writer->buffer = NULL;
}

static int flush(struct tar_writer *writer, struct error *err) {
  if (writer->hash)
    sha256_update(writer->hash, writer->buffer, writer->length);
  writer->bytes += writer->length;
  for (size_t done = 0; writer->fd >= 0 && done < writer->length;) {
    ssize_t count = write(writer->fd, writer->buffer + done, writer->length - done);
    if (count < 0 && errno != EINTR)
      return error_set(err, errno, "write archive");
    done += count > 0 ? (size_t)count : 0;
  }
  writer->length = 0;
  return 0;
}

static int put(struct tar_writer *writer, const void *data, size_t size, struct error *err) {
  for (const unsigned char *from = data; size > 0;) {
    if (writer->length == BUFFER && flush(writer, err) < 0)
      return -1;
    size_t room = BUFFER - writer->length, count = size < room ? size : room;
    memcpy(writer->buffer + writer->length, from, count);
    writer->length += count;
    from += count;
    size -= count;
  }
  return 0;
}

static int pad(struct tar_writer *writer, uint64_t size, struct error *err) {
  return put(writer, zeros, (size_t)(-size % BLOCK), err);
}

/* Octal, NUL-terminated; false when it does not fit (a PAX record tells it then). */
static bool put_number(char *field, size_t size, uint64_t value) {
  if (value >= UINT64_C(1) << 3 * (size - 1)) {
    memset(field, '0', size - 1);
    return false;
  }
  snprintf(field, size, "%0*llo", (int)size - 1, (unsigned long long)value);
  return true;
}

/* `LENGTH KEY=VALUE\n`; LENGTH counts its own digits, too. */
static void put_record(FILE *out, const char *key, const char *value, size_t size) {
  size_t rest = strlen(key) + size + 3, length = rest, digits;
  do {
    digits = (size_t)snprintf(NULL, 0, "%zu", length);
    if (length == rest + digits)
      break;
    length = rest + digits;
  } while (true);
  fprintf(out, "%zu %s=", length, key);
  fwrite(value, 1, size, out);
  fputc('\n', out);
}

static void put_number_record(FILE *out, const char *key, uint64_t value) {
  char text[32];
  int length = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  put_record(out, key, text, (size_t)length);
}

static void put_time_record(FILE *out, const struct timespec *time) {
  char text[48];
  /* A time before 1970 with a fraction: -1.25 is one second and a quarter before, 0.75 after second
   * -2. */
  long long seconds = time->tv_sec;
  long nanoseconds = time->tv_nsec;
  const char *sign = seconds < 0 ? "-" : "";
  if (seconds < 0 && nanoseconds > 0) {
    seconds++;
    nanoseconds = 1000000000 - nanoseconds;
  }
  int length = snprintf(text, sizeof text, "%s%lld.%09ld", sign, seconds < 0 ? -seconds : seconds,
                        nanoseconds);
  put_record(out, "mtime", text, (size_t)length);
}

/* User attributes and file capabilities: what an image or a copy is to keep. */
static int put_xattrs(FILE *out, int fd, struct error *err) {
  char *names = malloc(MAX_XATTR_NAMES + MAX_XATTR);
  if (!names)
    return error_set(err, ENOMEM, "write archive");
  ssize_t length = flistxattr(fd, names, MAX_XATTR_NAMES);
  for (char *name = names; length > 0 && name < names + length; name += strlen(name) + 1) {
    bool kept = strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0;
    if (!kept && strcmp(name, "security.capability") != 0)
      continue;
    char key[300], *value = names + MAX_XATTR_NAMES;
    ssize_t size = fgetxattr(fd, name, value, MAX_XATTR);
    snprintf(key, sizeof key, "SCHILY.xattr.%s", name);
    if (size >= 0)
      put_record(out, key, value, (size_t)size);
  }
  free(names);
  return 0;
}

static char type_of(const struct tar_item *item) {
  if (item->hard_link)
    return '1';
  switch (item->status->st_mode & S_IFMT) {
  case S_IFLNK:
    return '2';
  case S_IFCHR:
    return '3';
  case S_IFBLK:
    return '4';
  case S_IFDIR:
    return '5';
  case S_IFIFO:
    return '6';
  default:
    return '0';
  }
}

static void seal(struct header *header) {
  memcpy(header->magic,
         "ustar\0"
         "00",
         8);
  memset(header->checksum, ' ', sizeof header->checksum);
  unsigned sum = 0;
  for (size_t i = 0; i < sizeof *header; i++)
    sum += ((unsigned char *)header)[i];
  snprintf(header->checksum, sizeof header->checksum - 1, "%06o", sum);
}

/* Fills the header; what does not fit goes to `extended`. */
static int describe(struct header *header, const struct tar_item *item, FILE *extended,
                    struct error *err) {
  const struct stat *status = item->status;
  header->type = type_of(item);
  uint64_t size = header->type == '0' ? (uint64_t)status->st_size : 0;
  size_t name_length = strlen(item->name), link_length = item->link ? strlen(item->link) : 0;
  memcpy(header->name, item->name, name_length < 100 ? name_length : 100);
  if (name_length > 100)
    put_record(extended, "path", item->name, name_length);
  memcpy(header->link, item->link ? item->link : "", link_length < 100 ? link_length : 100);
  if (link_length > 100)
    put_record(extended, "linkpath", item->link, link_length);
  put_number(header->mode, sizeof header->mode, status->st_mode & 07777);
  if (!put_number(header->uid, sizeof header->uid, status->st_uid))
    put_number_record(extended, "uid", status->st_uid);
  if (!put_number(header->gid, sizeof header->gid, status->st_gid))
    put_number_record(extended, "gid", status->st_gid);
  if (!put_number(header->size, sizeof header->size, size))
    put_number_record(extended, "size", size);
  bool fits = put_number(header->mtime, sizeof header->mtime, (uint64_t)status->st_mtim.tv_sec);
  if (!fits || status->st_mtim.tv_nsec != 0)
    put_time_record(extended, &status->st_mtim);
  bool device = header->type == '3' || header->type == '4';
  put_number(header->major, sizeof header->major, device ? major(status->st_rdev) : 0);
  put_number(header->minor, sizeof header->minor, device ? minor(status->st_rdev) : 0);
  seal(header);
  return item->xattrs_from < 0 ? 0 : put_xattrs(extended, item->xattrs_from, err);
}

static int put_extended(struct tar_writer *writer, const char *data, size_t size,
                        struct error *err) {
  struct header header = {.name = "PaxHeaders.0", .type = 'x'};
  put_number(header.mode, sizeof header.mode, 0644);
  put_number(header.uid, sizeof header.uid, 0);
  put_number(header.gid, sizeof header.gid, 0);
  put_number(header.mtime, sizeof header.mtime, 0);
  put_number(header.size, sizeof header.size, size);
  seal(&header);
  if (put(writer, &header, sizeof header, err) < 0 || put(writer, data, size, err) < 0)
    return -1;
  return pad(writer, size, err);
}

int tar_writer_item(struct tar_writer *writer, const struct tar_item *item, struct error *err) {
  struct header header = {0};
  char *data = NULL;
  size_t size = 0;
  FILE *extended = open_memstream(&data, &size);
  if (!extended)
    return error_set(err, ENOMEM, "write archive");
  int result = describe(&header, item, extended, err);
  if (fclose(extended) != 0)
    result = error_set(err, ENOMEM, "write archive");
  if (result == 0 && size > 0)
    result = put_extended(writer, data, size, err);
  free(data);
  return result < 0 ? -1 : put(writer, &header, sizeof header, err);
}

int tar_writer_content(struct tar_writer *writer, int fd, uint64_t size, struct error *err) {
  uint64_t left = size;
  writer->content += size;
  while (left > 0) {
    if (writer->length == BUFFER && flush(writer, err) < 0)
      return -1;
    size_t room = BUFFER - writer->length;
    ssize_t count = read(fd, writer->buffer + writer->length, left < room ? (size_t)left : room);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set(err, errno, "read");
    if (count == 0)
      break;
    writer->length += (size_t)count;
    left -= (uint64_t)count;
  }
  for (; left > 0; left -= left < sizeof zeros ? left : sizeof zeros) {
    if (put(writer, zeros, left < sizeof zeros ? (size_t)left : sizeof zeros, err) < 0)
      return -1;
  }
  return pad(writer, size, err);
}

int tar_writer_finish(struct tar_writer *writer, struct error *err) {
  return put(writer, zeros, sizeof zeros, err) < 0 ? -1 : flush(writer, err);
}
