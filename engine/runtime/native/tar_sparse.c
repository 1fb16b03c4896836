#include "tar_sparse.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_DIGITS = 19 };

static int invalid(struct error *err) {
  return error_set(err, 0, "invalid tar header: bad sparse map");
}

void tar_sparse_clear(struct tar_sparse *sparse) {
  sparse->count = 0;
  sparse->stored = 0;
  sparse->half = false;
}

void tar_sparse_free(struct tar_sparse *sparse) {
  free(sparse->extents);
  *sparse = (struct tar_sparse){0};
}

static int grow(struct tar_sparse *sparse, struct error *err) {
  if (sparse->count == TAR_MAX_EXTENTS)
    return error_set(err, EFBIG, "invalid tar header: sparse file of too many pieces");
  if (sparse->count < sparse->capacity)
    return 0;
  size_t capacity = sparse->capacity ? sparse->capacity * 2 : 32;
  void *grown = realloc(sparse->extents, capacity * sizeof *sparse->extents);
  if (!grown)
    return error_set(err, ENOMEM, "read archive");
  sparse->extents = grown;
  sparse->capacity = capacity;
  return 0;
}

int tar_sparse_number(struct tar_sparse *sparse, uint64_t value, struct error *err) {
  if (value > INT64_MAX)
    return invalid(err);
  if (sparse->half) {
    struct tar_extent *extent = &sparse->extents[sparse->count];
    if (value > INT64_MAX - extent->offset)
      return invalid(err);
    extent->length = value;
    sparse->stored += value; /* at most the last extent's end */
    sparse->count++;
    sparse->half = false;
    return 0;
  }
  if (grow(sparse, err) < 0)
    return -1;
  const struct tar_extent *last = sparse->count ? &sparse->extents[sparse->count - 1] : NULL;
  if (last && value < last->offset + last->length)
    return invalid(err);
  sparse->extents[sparse->count] = (struct tar_extent){.offset = value};
  sparse->half = true;
  return 0;
}

int tar_sparse_list(struct tar_sparse *sparse, const char *text, struct error *err) {
  while (true) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || errno || (*end && *end != ','))
      return invalid(err);
    if (tar_sparse_number(sparse, value, err) < 0)
      return -1;
    if (!*end)
      return 0;
    text = end + 1;
  }
}

static int end_line(struct tar_sparse *sparse, struct tar_sparse_lines *lines, struct error *err) {
  uint64_t value = lines->value;
  if (lines->digits == 0)
    return invalid(err);
  lines->value = lines->digits = 0;
  if (!lines->counted) {
    lines->counted = true;
    lines->left = value * 2;
    return value > TAR_MAX_EXTENTS ? invalid(err) : 0;
  }
  lines->left--;
  return tar_sparse_number(sparse, value, err);
}

int tar_sparse_block(struct tar_sparse *sparse, struct tar_sparse_lines *lines, const char *block,
                     size_t size, struct error *err) {
  for (size_t i = 0; i < size && !(lines->counted && lines->left == 0); i++) {
    if (block[i] == '\n') {
      if (end_line(sparse, lines, err) < 0)
        return -1;
    } else if (block[i] < '0' || block[i] > '9' || lines->digits == MAX_DIGITS) {
      return invalid(err);
    } else {
      lines->value = lines->value * 10 + (uint64_t)(block[i] - '0');
      lines->digits++;
    }
  }
  return lines->counted && lines->left == 0;
}

int tar_sparse_check(const struct tar_sparse *sparse, uint64_t size, uint64_t stored,
                     struct error *err) {
  const struct tar_extent *last = sparse->count ? &sparse->extents[sparse->count - 1] : NULL;
  bool fits = !last || last->offset + last->length <= size;
  return sparse->half || !fits || sparse->stored != stored ? invalid(err) : 0;
}
