#include "erofs_image.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layer_source.h"

/* A tar's own unit: its files start at multiples of it, and EROFS takes it for a block. */
enum { BLOCK_BITS = 9, BLOCK = 1 << BLOCK_BITS, SLOT = 32, BUFFER = 256 * 1024 };
enum { SUPER_MAGIC = 0xe0f5e1e2, SUPER_OFFSET = 1024, COMPAT_MTIME = 2 };
enum { FLAT_PLAIN = 0, FLAT_INLINE = 2, CHUNK_BASED = 4, INCOMPAT_CHUNKED = 4 };
enum { CHUNK_ENTRY = 4, MAX_CHUNK_BITS = BLOCK_BITS + 31, HOLE = -1 };
/* SECURITY: bounds what the sparse files of a small layer take. */
#define MAX_CHUNK_BYTES (UINT64_C(256) * 1024 * 1024)
#define MAX_COPIED_BYTES (UINT64_C(256) * 1024 * 1024)
enum { XATTR_HEADER = 12, XATTR_UNIT = 4, MAX_XATTR_BYTES = 0xfffe * XATTR_UNIT };
/* Inode number 0 means "no entry" to readers of directories. */
enum { FIRST_INODE = 2 * SLOT };

struct super_block {
  uint32_t magic, checksum, compat;
  uint8_t block_bits, slots;
  uint16_t root;
  uint64_t inodes, time;
  uint32_t time_nsec, blocks, meta_block, xattr_block;
  uint8_t uuid[16], name[16];
  uint32_t incompat;
  uint16_t algorithms, devices, device_slot;
  uint8_t directory_bits, prefixes;
  uint32_t prefix_start;
  uint64_t packed;
  uint8_t reserved[24];
};
_Static_assert(sizeof(struct super_block) == 128, "struct erofs_super_block");

struct inode {
  uint16_t format, xattr_count, mode, reserved;
  uint64_t size;
  uint32_t place; /* data block, or device number */
  uint32_t number, uid, gid;
  uint64_t mtime;
  uint32_t mtime_nsec, links;
  uint8_t reserved2[16];
};
_Static_assert(sizeof(struct inode) == 64, "struct erofs_inode_extended");

struct directory_entry {
  uint64_t number;
  uint16_t name_offset;
  uint8_t type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct directory_entry) == 12, "struct erofs_dirent");

struct xattr_entry {
  uint8_t name_length, prefix;
  uint16_t value_size;
};

struct image {
  int fd;
  uint64_t meta;    /* of the metadata's first byte in the file */
  uint64_t written; /* bytes of metadata */
  struct layer_inode *first, *last;
  uint64_t inode_count;
  struct layer_name *dots[2];
  struct layer_name **sorted;
  size_t sorted_capacity;
  uint64_t chunk_bytes, copied_bytes; /* what sparse files take beside their content in the tar */
  unsigned char *buffer;
  size_t length;
  struct sha256 hash;
};

static int flush(struct image *image, struct error *err) {
  size_t length = image->length;
  image->length = 0;
  sha256_update(&image->hash, image->buffer, length);
  return layer_write(image->fd, image->buffer, length, err);
}

static int put(struct image *image, const void *data, size_t size, struct error *err) {
  image->written += size;
  for (const unsigned char *from = data; size > 0;) {
    if (image->length == BUFFER && flush(image, err) < 0)
      return -1;
    size_t room = BUFFER - image->length, count = size < room ? size : room;
    memcpy(image->buffer + image->length, from, count);
    image->length += count;
    from += count;
    size -= count;
  }
  return 0;
}

/* Zeros up to an offset in the metadata. */
static int put_zeros(struct image *image, uint64_t to, struct error *err) {
  static const unsigned char zeros[BLOCK];
  while (image->written < to) {
    uint64_t left = to - image->written;
    if (put(image, zeros, left < sizeof zeros ? (size_t)left : sizeof zeros, err) < 0)
      return -1;
  }
  return 0;
}

static uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/* Splits a name into EROFS' prefix index and the rest; 0: EROFS cannot hold it. */
static uint8_t xattr_prefix(const char **name) {
  static const struct {
    const char *prefix;
    uint8_t index;
  } prefixes[] = {{"user.", 1},
                  {"system.posix_acl_access", 2},
                  {"system.posix_acl_default", 3},
                  {"trusted.", 4},
                  {"security.", 6}};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    size_t length = strlen(prefixes[i].prefix);
    if (strncmp(*name, prefixes[i].prefix, length) == 0) {
      *name += length;
      return prefixes[i].index;
    }
  }
  return 0;
}

static size_t xattr_size(const struct layer_xattr *xattr) {
  const char *name = xattr->name;
  if (xattr_prefix(&name) == 0)
    return 0; /* lost, as on a file system without them */
  return (size_t)round_up(sizeof(struct xattr_entry) + strlen(name) + xattr->size, XATTR_UNIT);
}

static const struct layer_xattr opaque = {
    .name = "trusted.overlay.opaque", .value = "y", .size = 1};

/* Bytes of the inode's attributes, header included; 0: none. */
static size_t xattrs_size(const struct layer_inode *inode) {
  size_t size = inode->opaque ? xattr_size(&opaque) : 0;
  for (const struct layer_xattr *xattr = inode->xattrs; xattr; xattr = xattr->next)
    size += xattr_size(xattr);
  return size > 0 ? size + XATTR_HEADER : 0;
}

static int put_xattr(struct image *image, const struct layer_xattr *xattr, struct error *err) {
  const char *name = xattr->name;
  uint8_t prefix = xattr_prefix(&name);
  if (prefix == 0)
    return 0;
  uint64_t end = image->written + xattr_size(xattr);
  struct xattr_entry entry = {.name_length = (uint8_t)strlen(name),
                              .prefix = prefix,
                              .value_size = htole16((uint16_t)xattr->size)};
  if (put(image, &entry, sizeof entry, err) < 0 || put(image, name, strlen(name), err) < 0 ||
      put(image, xattr->value, xattr->size, err) < 0)
    return -1;
  return put_zeros(image, end, err);
}

static int put_xattrs(struct image *image, const struct layer_inode *inode, struct error *err) {
  static const unsigned char header[XATTR_HEADER];
  if (xattrs_size(inode) == 0)
    return 0;
  if (put(image, header, sizeof header, err) < 0 ||
      (inode->opaque && put_xattr(image, &opaque, err) < 0))
    return -1;
  for (const struct layer_xattr *xattr = inode->xattrs; xattr; xattr = xattr->next) {
    if (put_xattr(image, xattr, err) < 0)
      return -1;
  }
  return 0;
}

static int compare_names(const void *a, const void *b) {
  const struct layer_name *left = *(struct layer_name *const *)a;
  const struct layer_name *right = *(struct layer_name *const *)b;
  size_t common = left->length < right->length ? left->length : right->length;
  int order = memcmp(left->text, right->text, common);
  return order ? order : (int)left->length - (int)right->length;
}

/*
 * The directory's names in the order of their bytes, "." and ".." among them, as the kernel's
 * binary search wants it. Their number, or -1.
 */
static ssize_t sort_names(struct image *image, const struct layer_inode *directory,
                          struct error *err) {
  size_t count = 2;
  for (struct layer_name *name = directory->names; name; name = name->next)
    count += name->inode != NULL;
  if (count > image->sorted_capacity) {
    void *grown = realloc(image->sorted, count * 2 * sizeof *image->sorted);
    if (!grown)
      return error_set(err, ENOMEM, "write layer");
    image->sorted = grown;
    image->sorted_capacity = count * 2;
  }
  image->sorted[0] = image->dots[0];
  image->sorted[1] = image->dots[1];
  count = 2;
  for (struct layer_name *name = directory->names; name; name = name->next) {
    if (name->inode)
      image->sorted[count++] = name;
  }
  qsort(image->sorted, count, sizeof *image->sorted, compare_names);
  return (ssize_t)count;
}

/* How many of the names fit into one block, and the bytes they take. */
static size_t fill_block(struct layer_name *const *names, size_t count, size_t *bytes) {
  size_t used = 0, fitting = 0;
  while (fitting < count) {
    size_t more = sizeof(struct directory_entry) + names[fitting]->length;
    if (used + more > BLOCK)
      break;
    used += more;
    fitting++;
  }
  *bytes = used;
  return fitting;
}

static uint64_t directory_size(struct layer_name *const *names, size_t count) {
  uint64_t size = 0;
  for (size_t at = 0, bytes; at < count; size += at < count ? BLOCK : bytes)
    at += fill_block(names + at, count - at, &bytes);
  return size;
}

static uint8_t file_type(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFREG:
    return 1;
  case S_IFDIR:
    return 2;
  case S_IFCHR:
    return 3;
  case S_IFBLK:
    return 4;
  case S_IFIFO:
    return 5;
  default:
    return 7;
  }
}

static int put_block(struct image *image, struct layer_name *const *names, size_t count,
                     struct error *err) {
  size_t offset = count * sizeof(struct directory_entry);
  for (size_t i = 0; i < count; i++) {
    const struct layer_inode *inode = names[i]->inode;
    struct directory_entry entry = {.number = htole64(inode->number),
                                    .name_offset = htole16((uint16_t)offset),
                                    .type = file_type(inode->mode)};
    if (put(image, &entry, sizeof entry, err) < 0)
      return -1;
    offset += names[i]->length;
  }
  for (size_t i = 0; i < count; i++) {
    if (put(image, names[i]->text, names[i]->length, err) < 0)
      return -1;
  }
  return 0;
}

/* "." and ".." belong to a directory as its names do. */
static void set_dots(struct image *image, struct layer_inode *self, struct layer_inode *parent) {
  image->dots[0]->inode = self;
  image->dots[1]->inode = parent;
}

static struct layer_name *make_dot(uint16_t length) {
  struct layer_name *name = calloc(1, sizeof *name + 3);
  if (name) {
    name->length = length;
    memcpy(name->text, "..", length);
  }
  return name;
}

/* Short links are kept behind their inode. place_inode leaves less than SLOT unused in the block.
 */
static bool is_inline(const struct layer_inode *inode) {
  return S_ISLNK(inode->mode) && inode->size <= BLOCK - SLOT;
}

/* Where in the metadata the inode goes, from `at` on: inline data must not cross a block's end. */
static uint64_t place_inode(const struct layer_inode *inode, uint64_t at) {
  size_t head = sizeof(struct inode) + xattrs_size(inode);
  at = round_up(at, SLOT);
  if (is_inline(inode) && (at + head) % BLOCK + inode->size > BLOCK)
    at += round_up(BLOCK - (at + head) % BLOCK, SLOT);
  return at;
}

/*
 * A sparse file is a list of chunks, each a hole or somewhere in the tar: of the largest size whose
 * borders all its pieces keep. 0: the tar has its pieces at odd places, it is copied out instead.
 */
static uint8_t choose_chunk_bits(const struct layer_inode *inode) {
  uint64_t borders = UINT64_C(1) << MAX_CHUNK_BITS, at = inode->offset;
  for (size_t i = 0; i < inode->extent_count; i++) {
    const struct tar_extent *extent = &inode->extents[i];
    uint64_t end = extent->offset + extent->length;
    if (extent->length == 0)
      continue;
    if (at % BLOCK != 0)
      return 0;
    borders |= extent->offset | (end == inode->size ? 0 : end);
    at += extent->length;
  }
  int bits = __builtin_ctzll(borders);
  return bits < BLOCK_BITS ? 0 : (uint8_t)bits;
}

static uint64_t chunk_count(const struct layer_inode *inode) {
  return inode->chunk_bits == 0 || inode->size == 0 ? 0
                                                    : ((inode->size - 1) >> inode->chunk_bits) + 1;
}

static bool is_copied(const struct layer_inode *inode) {
  return inode->sparse && inode->chunk_bits == 0;
}

static int choose_form(struct image *image, struct layer_inode *inode, struct error *err) {
  inode->chunk_bits = choose_chunk_bits(inode);
  image->chunk_bytes += chunk_count(inode) * CHUNK_ENTRY;
  image->copied_bytes += is_copied(inode) ? inode->size : 0;
  if (image->chunk_bytes > MAX_CHUNK_BYTES || image->copied_bytes > MAX_COPIED_BYTES)
    return error_set(err, EFBIG, "the layer's sparse files are too large");
  return 0;
}

static void append(struct image *image, struct layer_inode *inode) {
  if (image->last)
    image->last->following = inode;
  else
    image->first = inode;
  image->last = inode;
  image->inode_count++;
}

/*
 * Breadth first, so that the inodes of one directory are neighbours. Sets numbers and link counts;
 * returns the end of the inodes in the metadata, or 0 with *err.
 */
static uint64_t number_inodes(struct image *image, struct layer_inode *root, struct error *err) {
  uint64_t at = FIRST_INODE;
  append(image, root);
  root->links = 1;
  root->parent = root;
  for (struct layer_inode *inode = image->first; inode; inode = inode->following) {
    if (xattrs_size(inode) > MAX_XATTR_BYTES) {
      error_set(err, EFBIG, "too many extended attributes");
      return 0;
    }
    if (inode->sparse && choose_form(image, inode, err) < 0)
      return 0;
    at = place_inode(inode, at);
    inode->number = at / SLOT;
    size_t head = sizeof(struct inode) + xattrs_size(inode);
    at += head + (is_inline(inode) ? inode->size : chunk_count(inode) * CHUNK_ENTRY);
    if (!S_ISDIR(inode->mode))
      continue;
    inode->links++;
    for (struct layer_name *name = inode->names; name; name = name->next) {
      if (!name->inode)
        continue;
      if (name->inode->links++ == 0)
        append(image, name->inode);
      name->inode->parent = inode; /* a directory has one name */
      if (S_ISDIR(name->inode->mode))
        inode->links++;
    }
  }
  return at;
}

/* Gives directories, long links and copied files their blocks behind the inodes; the metadata's
 * end, or 0. */
static uint64_t place_data(struct image *image, uint64_t at, struct error *err) {
  at = round_up(at, BLOCK);
  for (struct layer_inode *inode = image->first; inode; inode = inode->following) {
    if (S_ISDIR(inode->mode)) {
      set_dots(image, inode, inode);
      ssize_t count = sort_names(image, inode, err);
      if (count < 0)
        return 0;
      inode->size = directory_size(image->sorted, (size_t)count);
    } else if (!is_copied(inode) && (!S_ISLNK(inode->mode) || is_inline(inode))) {
      continue;
    }
    inode->data_block = (uint32_t)((image->meta + at) / BLOCK);
    at += round_up(inode->size, BLOCK);
  }
  if ((image->meta + at) / BLOCK > UINT32_MAX) {
    error_set(err, EFBIG, "the layer is too large");
    return 0;
  }
  return at;
}

/* Where each chunk is, in blocks. */
static int put_chunks(struct image *image, const struct layer_inode *inode, struct error *err) {
  uint64_t in_tar = EROFS_HEAD + inode->offset, count = chunk_count(inode), chunk = 0;
  for (size_t i = 0; chunk < count; i++) {
    bool is_hole = i == inode->extent_count;
    struct tar_extent extent =
        is_hole ? (struct tar_extent){.offset = inode->size} : inode->extents[i];
    uint64_t start = chunk << inode->chunk_bits;
    if (extent.length == 0 && !is_hole)
      continue;
    for (; chunk < count && start < extent.offset; chunk++, start = chunk << inode->chunk_bits) {
      uint32_t hole = htole32((uint32_t)HOLE);
      if (put(image, &hole, sizeof hole, err) < 0)
        return -1;
    }
    for (; start < extent.offset + extent.length; start = ++chunk << inode->chunk_bits) {
      uint32_t block = htole32((uint32_t)((in_tar + start - extent.offset) / BLOCK));
      if (put(image, &block, sizeof block, err) < 0)
        return -1;
    }
    in_tar += extent.length;
  }
  return 0;
}

static int put_inode(struct image *image, const struct layer_inode *inode, struct error *err) {
  size_t xattrs = xattrs_size(inode);
  bool with_link = is_inline(inode);
  int layout = with_link ? FLAT_INLINE : inode->chunk_bits > 0 ? CHUNK_BASED : FLAT_PLAIN;
  uint32_t place = inode->data_block;
  if (inode->chunk_bits > 0)
    place = (uint32_t)(inode->chunk_bits - BLOCK_BITS);
  else if (S_ISREG(inode->mode) && inode->size > 0 && !is_copied(inode))
    place = (uint32_t)((EROFS_HEAD + inode->offset) / BLOCK);
  else if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
    place = inode->device;
  struct inode disk = {
      .format = htole16((uint16_t)(1 | layout << 1)),
      .xattr_count = htole16((uint16_t)(xattrs ? (xattrs - XATTR_HEADER) / XATTR_UNIT + 1 : 0)),
      .mode = htole16((uint16_t)inode->mode),
      .size = htole64(inode->size),
      .place = htole32(place),
      .number = htole32((uint32_t)inode->number),
      .uid = htole32(inode->uid),
      .gid = htole32(inode->gid),
      .mtime = htole64((uint64_t)inode->mtime.tv_sec),
      .mtime_nsec = htole32((uint32_t)inode->mtime.tv_nsec),
      .links = htole32(inode->links),
  };
  if (put_zeros(image, inode->number * SLOT, err) < 0 || put(image, &disk, sizeof disk, err) < 0 ||
      put_xattrs(image, inode, err) < 0)
    return -1;
  return with_link ? put(image, inode->link, inode->size, err) : put_chunks(image, inode, err);
}

static int put_directory(struct image *image, struct layer_inode *inode, struct error *err) {
  set_dots(image, inode, inode->parent);
  ssize_t count = sort_names(image, inode, err);
  if (count < 0)
    return -1;
  for (size_t at = 0, bytes, fitting; at < (size_t)count; at += fitting) {
    fitting = fill_block(image->sorted + at, (size_t)count - at, &bytes);
    if (put_zeros(image, round_up(image->written, BLOCK), err) < 0 ||
        put_block(image, image->sorted + at, fitting, err) < 0)
      return -1;
  }
  return 0;
}

static int put_zeros_of(struct image *image, uint64_t count, struct error *err) {
  return put_zeros(image, image->written + count, err);
}

/* A sparse file with its holes filled, from the tar in front of the metadata. */
static int put_copy(struct image *image, const struct layer_inode *inode, struct error *err) {
  unsigned char data[16 * 1024];
  uint64_t in_tar = EROFS_HEAD + inode->offset, at = 0;
  for (size_t i = 0; i < inode->extent_count; i++) {
    const struct tar_extent *extent = &inode->extents[i];
    uint64_t end = extent->offset + extent->length;
    if (put_zeros_of(image, extent->offset - at, err) < 0)
      return -1;
    for (at = extent->offset; at < end;) {
      size_t wanted = end - at < sizeof data ? (size_t)(end - at) : sizeof data;
      ssize_t count = pread(image->fd, data, wanted, (off_t)in_tar);
      if (count <= 0)
        return error_set(err, count < 0 ? errno : EIO, "read layer");
      if (put(image, data, (size_t)count, err) < 0)
        return -1;
      at += (uint64_t)count;
      in_tar += (uint64_t)count;
    }
  }
  return put_zeros_of(image, inode->size - at, err);
}

static int put_content(struct image *image, struct layer_inode *inode, struct error *err) {
  if (S_ISLNK(inode->mode))
    return put(image, inode->link, inode->size, err);
  return S_ISDIR(inode->mode) ? put_directory(image, inode, err) : put_copy(image, inode, err);
}

/* In the order of place_data. */
static int put_data(struct image *image, struct error *err) {
  for (struct layer_inode *inode = image->first; inode; inode = inode->following) {
    if (inode->data_block == 0)
      continue;
    uint64_t place = (uint64_t)inode->data_block * BLOCK - image->meta;
    if (put_zeros(image, place, err) < 0 || put_content(image, inode, err) < 0)
      return -1;
  }
  return put_zeros(image, round_up(image->written, BLOCK), err);
}

static int put_head(struct image *image, uint64_t end, struct error *err) {
  unsigned char head[EROFS_HEAD] = {0};
  struct super_block super = {
      .magic = htole32(SUPER_MAGIC),
      .compat = htole32(COMPAT_MTIME),
      .block_bits = BLOCK_BITS,
      .root = htole16((uint16_t)image->first->number),
      .inodes = htole64(image->inode_count),
      .blocks = htole32((uint32_t)(end / BLOCK)),
      .meta_block = htole32((uint32_t)(image->meta / BLOCK)),
      .incompat = htole32(image->chunk_bytes > 0 ? INCOMPAT_CHUNKED : 0),
  };
  memcpy(head + SUPER_OFFSET, &super, sizeof super);
  sha256_update(&image->hash, head, sizeof head);
  if (pwrite(image->fd, head, sizeof head, 0) != (ssize_t)sizeof head)
    return error_set(err, errno, "write layer");
  return 0;
}

static int write_image(struct image *image, struct layer_tree *tree, struct error *err) {
  uint64_t inodes_end = number_inodes(image, tree->root, err);
  uint64_t end = inodes_end ? place_data(image, inodes_end, err) : 0;
  if (end == 0)
    return -1;
  if (lseek(image->fd, (off_t)image->meta, SEEK_SET) < 0)
    return error_set(err, errno, "write layer");
  for (const struct layer_inode *inode = image->first; inode; inode = inode->following) {
    if (put_inode(image, inode, err) < 0)
      return -1;
  }
  if (put_data(image, err) < 0 || flush(image, err) < 0)
    return -1;
  return put_head(image, image->meta + image->written, err);
}

int erofs_image_write(int fd, struct layer_tree *tree, uint64_t tar_bytes, char digest[SHA256_HEX],
                      struct error *err) {
  struct image image = {.fd = fd,
                        .meta = round_up(EROFS_HEAD + tar_bytes, BLOCK),
                        .dots = {make_dot(1), make_dot(2)},
                        .buffer = malloc(BUFFER)};
  sha256_start(&image.hash);
  bool ready = image.buffer && image.dots[0] && image.dots[1];
  int result = ready ? write_image(&image, tree, err) : error_set(err, ENOMEM, "write layer");
  sha256_finish(&image.hash, digest);
  free(image.dots[0]);
  free(image.dots[1]);
  free(image.buffer);
  free(image.sorted);
  return result;
}
