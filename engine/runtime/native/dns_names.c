#include "dns_names.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"

enum { MAX_FILE = 8 << 20 };

static int compare_entries(const void *left, const void *right) {
  const struct names_entry *a = left, *b = right;
  if (a->kind != b->kind)
    return a->kind < b->kind ? -1 : 1;
  return strcmp(a->key, b->key);
}

/* "K key value\n" into its parts, in place. */
static bool split_line(char *line, struct names_entry *entry) {
  char *key = line[0] && line[1] == ' ' ? line + 2 : NULL;
  char *space = key ? strchr(key, ' ') : NULL;
  if (!space)
    return false;
  *space = '\0';
  *entry = (struct names_entry){line[0], key, space + 1};
  return true;
}

static void parse_file(struct names_file *file) {
  size_t lines = 1;
  for (const char *at = file->text; (at = strchr(at, '\n')); at++)
    lines++;
  free(file->entries);
  file->entries = calloc(lines, sizeof *file->entries);
  file->count = 0;
  char *rest = file->text, *line;
  while (file->entries && (line = strsep(&rest, "\n")))
    file->count += split_line(line, &file->entries[file->count]);
}

static void forget(struct names_file *file) {
  free(file->text);
  free(file->entries);
  file->text = NULL;
  file->entries = NULL;
  file->count = 0;
  file->seen = (struct stat){0};
}

static char *read_whole(int fd, size_t size) {
  char *text = size <= MAX_FILE ? malloc(size + 1) : NULL;
  size_t used = 0;
  for (ssize_t count; text && used < size; used += (size_t)count) {
    if ((count = read(fd, text + used, size - used)) <= 0)
      break;
  }
  if (text)
    text[used] = '\0';
  return text;
}

/* True when its content is another one than before. A file that is missing for a moment, while its
 * engine is away, keeps what was read. */
static bool refresh_file(int directory, struct names_file *file) {
  struct stat now;
  if (fstatat(directory, file->path, &now, AT_SYMLINK_NOFOLLOW) < 0)
    return false;
  if (now.st_ino == file->seen.st_ino && now.st_size == file->seen.st_size &&
      now.st_mtim.tv_sec == file->seen.st_mtim.tv_sec &&
      now.st_mtim.tv_nsec == file->seen.st_mtim.tv_nsec)
    return false;
  autoclose int fd = openat(directory, file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 || fstat(fd, &now) < 0)
    return false;
  char *text = read_whole(fd, (size_t)now.st_size);
  if (!text)
    return false;
  free(file->text);
  file->text = text;
  file->seen = now;
  parse_file(file);
  return true;
}

static void set_path(struct names_file *file, const char *path) {
  snprintf(file->path, sizeof file->path, "%s", path);
}

void names_open(struct names *names, int directory, const char *id) {
  *names = (struct names){.directory = directory};
  set_path(&names->view, id);
}

static void add_upstream(struct names *names, const struct names_entry *entry) {
  if (names->upstream_count == NAMES_MAX_UPSTREAMS)
    return;
  struct names_upstream *upstream = &names->upstreams[names->upstream_count];
  upstream->family = strchr(entry->key, ':') ? AF_INET6 : AF_INET;
  upstream->on_host = entry->value[0] == 'h';
  names->upstream_count += inet_pton(upstream->family, entry->key, upstream->address) == 1;
}

static void add_network(struct names *names, const struct names_entry *entry) {
  if (names->network_count == NAMES_MAX_NETWORKS)
    return;
  struct names_network *network = &names->networks[names->network_count++];
  set_path(&network->file, entry->key);
  network->name = entry->value;
}

/* The view's order counts, so it stays as it was written. */
static void apply_view(struct names *names) {
  for (size_t i = 0; i < names->network_count; i++)
    forget(&names->networks[i].file);
  names->network_count = names->upstream_count = 0;
  for (size_t i = 0; i < names->view.count; i++) {
    const struct names_entry *entry = &names->view.entries[i];
    if (entry->kind == 'N')
      add_network(names, entry);
    else if (entry->kind == 'U')
      add_upstream(names, entry);
  }
}

void names_close(struct names *names) {
  for (size_t i = 0; i < names->network_count; i++)
    forget(&names->networks[i].file);
  forget(&names->view);
}

void names_refresh(struct names *names) {
  if (refresh_file(names->directory, &names->view))
    apply_view(names);
  for (size_t i = 0; i < names->network_count; i++) {
    struct names_file *file = &names->networks[i].file;
    if (refresh_file(names->directory, file) && file->entries)
      qsort(file->entries, file->count, sizeof *file->entries, compare_entries);
  }
}

/* All entries of one key lie side by side. */
static size_t find_entries(const struct names_file *file, char kind, const char *key,
                           const struct names_entry **first) {
  const struct names_entry wanted = {kind, key, ""};
  size_t low = 0, high = file->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare_entries(&file->entries[middle], &wanted) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  size_t count = 0;
  while (low + count < file->count && compare_entries(&file->entries[low + count], &wanted) == 0)
    count++;
  *first = file->entries + low;
  return count;
}

/* What this container calls somebody: "alias name" is the value of a link. */
static const char *follow_link(const struct names *names, const struct names_network *network,
                               const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < names->view.count; i++) {
    const struct names_entry *entry = &names->view.entries[i];
    if (entry->kind == 'L' && strcmp(entry->key, network->file.path) == 0 &&
        strncmp(entry->value, name, length) == 0 && entry->value[length] == ' ')
      return entry->value + length + 1;
  }
  return name;
}

/* The part before ".network", or NULL. */
static const char *without_network(const char *name, const char *network, char *buffer,
                                   size_t size) {
  size_t length = strlen(name), suffix = strlen(network);
  if (suffix == 0 || length <= suffix + 1 || length >= size || name[length - suffix - 1] != '.' ||
      strcmp(name + length - suffix, network) != 0)
    return NULL;
  memcpy(buffer, name, length - suffix - 1);
  buffer[length - suffix - 1] = '\0';
  return buffer;
}

size_t names_find(const struct names *names, const char *name, const struct names_entry **first) {
  char bare[256];
  for (size_t i = 0; i < names->network_count; i++) {
    const struct names_network *network = &names->networks[i];
    size_t count = find_entries(&network->file, 'A', follow_link(names, network, name), first);
    if (count > 0)
      return count;
    const char *part = without_network(name, network->name, bare, sizeof bare);
    if (part &&
        (count = find_entries(&network->file, 'A', follow_link(names, network, part), first)) > 0)
      return count;
  }
  return 0;
}

const char *names_find_address(const struct names *names, const char *address) {
  for (size_t i = 0; i < names->network_count; i++) {
    const struct names_entry *first;
    if (find_entries(&names->networks[i].file, 'P', address, &first) > 0)
      return first->value;
  }
  return NULL;
}

static bool is_in(const char *subnet, const char *prefix, int family, const uint8_t *address) {
  uint8_t base[16];
  if (inet_pton(family, subnet, base) != 1)
    return false;
  unsigned bits = (unsigned)strtoul(prefix, NULL, 10);
  for (unsigned i = 0; i < bits && i < (family == AF_INET ? 32 : 128); i++) {
    if ((base[i / 8] ^ address[i / 8]) >> (7 - i % 8) & 1)
      return false;
  }
  return true;
}

bool names_is_ours(const struct names *names, int family, const uint8_t *address) {
  for (size_t i = 0; i < names->view.count; i++) {
    const struct names_entry *entry = &names->view.entries[i];
    if (entry->kind == 'S' && is_in(entry->key, entry->value, family, address))
      return true;
  }
  return false;
}

bool names_is_internal(const struct names *names, const char *name) {
  char bare[256];
  for (size_t i = 0; i < names->network_count; i++) {
    const char *network = names->networks[i].name;
    if (strchr(network, '_') && without_network(name, network, bare, sizeof bare))
      return true;
  }
  return false;
}
