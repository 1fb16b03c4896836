#include "tar_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 512 };

struct archive archive;

void add_header(const char *name, char type, const char *size_field, const char *prefix,
                const char *link) {
  unsigned char *block = archive.bytes + archive.size;
  memset(block, 0, BLOCK);
  memcpy(block, name, strnlen(name, 100));
  memcpy(block + 100, "0000755", 8);
  snprintf((char *)block + 108, 8, "%07o", getuid());
  snprintf((char *)block + 116, 8, "%07o", getgid());
  memcpy(block + 124, size_field, 12);
  memcpy(block + 136, "14524613500", 12);
  block[156] = (unsigned char)type;
  if (link)
    memcpy(block + 157, link, strnlen(link, 100));
  memcpy(block + 257,
         "ustar\0"
         "00",
         8);
  memcpy(block + 345, prefix, strlen(prefix));
  memset(block + 148, ' ', 8);
  unsigned sum = 0;
  for (int i = 0; i < BLOCK; i++)
    sum += block[i];
  snprintf((char *)block + 148, 8, "%06o", sum);
  archive.size += BLOCK;
}

void add(const char *name, char type, const void *content, size_t size) {
  char field[12];
  snprintf(field, sizeof field, "%011zo", size);
  add_header(name, type, field, "", NULL);
  memset(archive.bytes + archive.size, 0, size + BLOCK);
  memcpy(archive.bytes + archive.size, content, size);
  archive.size += (size + BLOCK - 1) / BLOCK * BLOCK;
}

void add_link(const char *name, char type, const char *link) {
  add_header(name, type, "00000000000", "", link);
}

void add_end(void) {
  memset(archive.bytes + archive.size, 0, 2 * BLOCK);
  archive.size += 2 * BLOCK;
}

int open_bytes(const void *bytes, size_t size) {
  int fd = memfd_create("archive", MFD_CLOEXEC);
  if (write(fd, bytes, size) != (ssize_t)size)
    abort();
  lseek(fd, 0, SEEK_SET);
  return fd;
}
