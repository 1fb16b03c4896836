#include "layer_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "overlay.h"
#include "rooted.h"
#include "xattr_policy.h"

enum { ARENA_BLOCK = 1024 * 1024, MAX_FOLLOWED = 40 };

/* Memory that is freed all at once. */
struct arena {
  struct arena *next;
  size_t used, size;
  _Alignas(16) unsigned char bytes[];
};

static void *allocate(struct layer_tree *tree, size_t size, struct error *err) {
  size = (size + 15) & ~(size_t)15;
  struct arena *arena = tree->arena;
  if (!arena || arena->size - arena->used < size) {
    size_t block = size > ARENA_BLOCK ? size : ARENA_BLOCK;
    tree->arena_bytes += block;
    arena = tree->arena_bytes > LAYER_TREE_MAX_BYTES ? NULL : malloc(sizeof *arena + block);
    if (!arena) {
      error_set(err, tree->arena_bytes > LAYER_TREE_MAX_BYTES ? EFBIG : ENOMEM,
                "the layer has too many files");
      return NULL;
    }
    *arena = (struct arena){.next = tree->arena, .size = block};
    tree->arena = arena;
  }
  void *memory = arena->bytes + arena->used;
  arena->used += size;
  return memset(memory, 0, size);
}

static const void *keep(struct layer_tree *tree, const void *data, size_t size, struct error *err) {
  char *copy = allocate(tree, size + 1, err);
  if (copy && size > 0)
    memcpy(copy, data, size);
  return copy;
}

static size_t slot_of(const struct layer_tree *tree, const struct layer_inode *directory,
                      const char *name, size_t length) {
  uint64_t hash = (uint64_t)(uintptr_t)directory * UINT64_C(0x9e3779b97f4a7c15);
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
  return (size_t)(hash ^ hash >> 32) & (tree->slot_count - 1);
}

static int grow(struct layer_tree *tree, struct error *err) {
  if (tree->name_count < tree->slot_count)
    return 0;
  struct layer_tree bigger = {.slot_count = tree->slot_count ? tree->slot_count * 2 : 1024};
  bigger.slots = calloc(bigger.slot_count, sizeof *bigger.slots);
  if (!bigger.slots)
    return error_set(err, ENOMEM, "the layer has too many files");
  for (size_t i = 0; i < tree->slot_count; i++) {
    for (struct layer_name *name = tree->slots[i], *next; name; name = next) {
      size_t slot = slot_of(&bigger, name->directory, name->text, name->length);
      next = name->collision;
      name->collision = bigger.slots[slot];
      bigger.slots[slot] = name;
    }
  }
  free(tree->slots);
  tree->slots = bigger.slots;
  tree->slot_count = bigger.slot_count;
  return 0;
}

/* The name in the directory, also one that was removed; NULL: never there. */
static struct layer_name *find(const struct layer_tree *tree, const struct layer_inode *directory,
                               const char *text, size_t length) {
  if (tree->slot_count == 0)
    return NULL;
  struct layer_name *name = tree->slots[slot_of(tree, directory, text, length)];
  while (name && (name->directory != directory || name->length != length ||
                  memcmp(name->text, text, length) != 0))
    name = name->collision;
  return name;
}

static struct layer_inode *lookup(const struct layer_tree *tree,
                                  const struct layer_inode *directory, const char *text,
                                  size_t length) {
  struct layer_name *name = find(tree, directory, text, length);
  return name ? name->inode : NULL;
}

/* Gives the inode a name, in place of what had it. */
static int set_name(struct layer_tree *tree, struct layer_inode *directory, const char *text,
                    size_t length, struct layer_inode *inode, struct error *err) {
  struct layer_name *name = find(tree, directory, text, length);
  if (!name) {
    if (length > NAME_MAX)
      return error_set(err, ENAMETOOLONG, "%.64s...", text);
    name = grow(tree, err) < 0 ? NULL : allocate(tree, sizeof *name + length + 1, err);
    if (!name)
      return -1;
    size_t slot = slot_of(tree, directory, text, length);
    name->directory = directory;
    name->length = (uint16_t)length;
    memcpy(name->text, text, length);
    name->collision = tree->slots[slot];
    tree->slots[slot] = name;
    tree->name_count++;
    name->next = directory->names;
    directory->names = name;
  }
  name->inode = inode;
  return 0;
}

static struct layer_inode *new_inode(struct layer_tree *tree, mode_t mode, struct error *err) {
  struct layer_inode *inode = allocate(tree, sizeof *inode, err);
  if (inode)
    inode->mode = mode;
  return inode;
}

static struct layer_inode *make_missing(struct layer_tree *tree, struct layer_inode *directory,
                                        const char *text, size_t length,
                                        const struct timespec *mtime, struct error *err) {
  struct layer_inode *made = new_inode(tree, S_IFDIR | 0755, err);
  if (!made || set_name(tree, directory, text, length, made, err) < 0)
    return NULL;
  made->mtime = *mtime; /* the same tree for the same tar, whenever */
  return made;
}

/* A walk below the root; `stack` holds the directories passed, for "..". */
struct walk {
  struct layer_tree *tree;
  struct layer_inode *stack[PATH_MAX];
  size_t depth;
  int followed;
  const struct tar_entry *entry;
  /* What is walked, for messages. */
  const char *name;
};

static int walk_path(struct walk *walk, const char *path, bool make, struct error *err);

/* As openat2 with RESOLVE_BENEATH: links inside the layer are followed, those that leave are not.
 */
static int walk_link(struct walk *walk, const char *target, struct error *err) {
  if (++walk->followed > MAX_FOLLOWED)
    return error_set(err, ELOOP, "%.256s", walk->name);
  if (*target == '/') {
    error_set(err, EXDEV, "open directory");
    return error_wrap(err, "invalid path \"%.256s\": it leaves the archive's root", walk->name);
  }
  return walk_path(walk, target, false, err);
}

static int walk_part(struct walk *walk, const char *part, size_t length, bool make,
                     struct error *err) {
  if (length == 0 || (length == 1 && *part == '.'))
    return 0;
  if (length == 2 && part[0] == '.' && part[1] == '.') {
    if (walk->depth == 0) {
      error_set(err, EXDEV, "open directory");
      return error_wrap(err, "invalid path \"%.256s\": it leaves the archive's root", walk->name);
    }
    walk->depth--;
    return 0;
  }
  struct layer_inode *directory = walk->stack[walk->depth];
  struct layer_inode *inode = lookup(walk->tree, directory, part, length);
  if (!inode && make)
    inode = make_missing(walk->tree, directory, part, length, &walk->entry->mtime, err);
  if (!inode)
    return err->number ? -1 : error_set(err, ENOENT, "open directory %.256s", walk->name);
  if (S_ISLNK(inode->mode))
    return walk_link(walk, inode->link, err);
  if (!S_ISDIR(inode->mode))
    return error_set(err, ENOTDIR, "open directory %.256s", walk->name);
  if (walk->depth + 1 == PATH_MAX)
    return error_set(err, ENAMETOOLONG, "%.256s", walk->name);
  walk->stack[++walk->depth] = inode;
  return 0;
}

static int walk_path(struct walk *walk, const char *path, bool make, struct error *err) {
  while (*path) {
    const char *end = strchrnul(path, '/');
    if (walk_part(walk, path, (size_t)(end - path), make, err) < 0)
      return -1;
    path = *end ? end + 1 : end;
  }
  return 0;
}

/* The directory of the path's last part, made if missing; *leaf is that part. */
static struct layer_inode *open_parent(struct layer_tree *tree, const struct tar_entry *entry,
                                       char *path, const char *name, const char **leaf,
                                       struct error *err) {
  static struct walk walk;
  char *slash = strrchr(path, '/');
  walk.tree = tree;
  walk.entry = entry;
  walk.name = name;
  walk.stack[0] = tree->root;
  walk.depth = 0;
  walk.followed = 0;
  *leaf = slash ? slash + 1 : path;
  if (!slash)
    return tree->root;
  *slash = '\0';
  int result = walk_path(&walk, path, true, err);
  *slash = '/';
  return result < 0 ? NULL : walk.stack[walk.depth];
}

static int add_xattr(struct layer_tree *tree, struct layer_inode *inode, const char *name,
                     const void *value, size_t size, struct error *err) {
  struct layer_xattr *xattr = inode->xattrs;
  if (strlen(name) > 255 || size > UINT16_MAX)
    return error_set(err, E2BIG, "extended attribute %.64s", name);
  while (xattr && strcmp(xattr->name, name) != 0)
    xattr = xattr->next;
  if (!xattr) {
    xattr = allocate(tree, sizeof *xattr, err);
    if (!xattr || !(xattr->name = keep(tree, name, strlen(name), err)))
      return -1;
    xattr->next = inode->xattrs;
    inode->xattrs = xattr;
  }
  xattr->value = keep(tree, value, size, err);
  xattr->size = size;
  return xattr->value ? 0 : -1;
}

static int set_attributes(struct layer_tree *tree, struct layer_inode *inode,
                          const struct tar_entry *entry, struct error *err) {
  inode->mode = (inode->mode & S_IFMT) | entry->mode;
  inode->uid = entry->uid;
  inode->gid = entry->gid;
  inode->mtime = entry->mtime;
  /* Only files and directories have them, as with extraction. */
  bool has_xattrs = S_ISREG(inode->mode) || S_ISDIR(inode->mode);
  for (size_t i = 0; has_xattrs && i < entry->xattr_count; i++) {
    const struct tar_xattr *xattr = &entry->xattrs[i];
    if (xattr_allowed(xattr->name) &&
        add_xattr(tree, inode, xattr->name, xattr->value, xattr->size, err) < 0)
      return -1;
  }
  return 0;
}

static bool is_whiteout(const struct layer_inode *inode) {
  return S_ISCHR(inode->mode) && inode->device == 0;
}

static int add_directory(struct layer_tree *tree, struct layer_inode *parent, const char *leaf,
                         const struct tar_entry *entry, struct error *err) {
  struct layer_inode *there = lookup(tree, parent, leaf, strlen(leaf));
  if (there && S_ISDIR(there->mode))
    return set_attributes(tree, there, entry, err);
  struct layer_inode *inode = new_inode(tree, S_IFDIR, err);
  if (!inode || set_name(tree, parent, leaf, strlen(leaf), inode, err) < 0)
    return -1;
  inode->opaque = there && is_whiteout(there);
  return set_attributes(tree, inode, entry, err);
}

/* The target is a name in the archive; absolute ones are taken from its root. */
static int add_hard_link(struct layer_tree *tree, struct layer_inode *parent, const char *leaf,
                         const struct tar_entry *entry, struct error *err) {
  char target[PATH_MAX];
  const char *target_leaf;
  struct layer_name *name = find(tree, parent, leaf, strlen(leaf));
  if (name)
    name->inode = NULL; /* first, as the file system would: it may be the target itself */
  if (rooted_clean(entry->link, target, err) < 0)
    return error_wrap(err, "%.200s", entry->name);
  struct layer_inode *directory = open_parent(tree, entry, target, entry->link, &target_leaf, err);
  if (!directory)
    return error_wrap(err, "%.200s: link target", entry->name);
  struct layer_inode *inode =
      *target_leaf ? lookup(tree, directory, target_leaf, strlen(target_leaf)) : tree->root;
  if (!inode)
    return error_set(err, ENOENT, "%.200s: link target \"%.200s\"", entry->name, entry->link);
  if (S_ISDIR(inode->mode))
    return error_set(err, EPERM, "%.256s", entry->name);
  return set_name(tree, parent, leaf, strlen(leaf), inode, err);
}

static mode_t type_of(char type) {
  switch (type) {
  case '2':
    return S_IFLNK;
  case '3':
    return S_IFCHR;
  case '4':
    return S_IFBLK;
  case '6':
    return S_IFIFO;
  default:
    return S_IFREG;
  }
}

static int add_other(struct layer_tree *tree, struct layer_inode *parent, const char *leaf,
                     const struct tar_entry *entry, uint64_t offset, struct error *err) {
  struct layer_inode *inode = new_inode(tree, type_of(entry->type), err);
  if (!inode || set_name(tree, parent, leaf, strlen(leaf), inode, err) < 0)
    return -1;
  inode->offset = offset;
  inode->size = entry->size;
  if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) {
    uint32_t major = entry->device_major, minor = entry->device_minor;
    inode->device = (minor & 0xff) | major << 8 | (minor & ~UINT32_C(0xff)) << 12;
  }
  if (S_ISLNK(inode->mode)) {
    inode->size = strlen(entry->link);
    if (inode->size == 0)
      return error_set(err, ENOENT, "%.256s", entry->name);
    if (!(inode->link = keep(tree, entry->link, inode->size, err)))
      return -1;
  }
  if (entry->sparse && entry->size > 0) {
    size_t size = entry->extent_count * sizeof *entry->extents;
    inode->sparse = true;
    inode->extent_count = entry->extent_count;
    if (!(inode->extents = keep(tree, entry->extents, size, err)))
      return -1;
  }
  tree->bytes += S_ISREG(inode->mode) ? inode->size : 0;
  int result = set_attributes(tree, inode, entry, err);
  if (S_ISLNK(inode->mode))
    inode->mode = S_IFLNK | 0777;
  return result;
}

/* `.wh.NAME` hides NAME of the layers below; an entry NAME of this very layer wins over it. */
static int add_whiteout(struct layer_tree *tree, struct layer_inode *parent, const char *leaf,
                        const struct tar_entry *entry, struct error *err) {
  if (strcmp(leaf, OVERLAY_WHITEOUT_OPAQUE) == 0) {
    parent->opaque = true;
    return 0;
  }
  if (strncmp(leaf, OVERLAY_WHITEOUT_META, strlen(OVERLAY_WHITEOUT_META)) == 0)
    return 0; /* aufs' own bookkeeping */
  const char *hidden = leaf + strlen(OVERLAY_WHITEOUT_PREFIX);
  if (*hidden == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
    return error_set(err, 0, "invalid whiteout \"%.256s\"", entry->name);
  struct layer_inode *there = lookup(tree, parent, hidden, strlen(hidden));
  if (there) {
    if (S_ISDIR(there->mode))
      there->opaque = true;
    return 0;
  }
  struct layer_inode *inode = new_inode(tree, S_IFCHR, err);
  return inode ? set_name(tree, parent, hidden, strlen(hidden), inode, err) : -1;
}

static int add_entry(struct layer_tree *tree, const struct tar_entry *entry, uint64_t offset,
                     struct error *err) {
  char path[PATH_MAX];
  const char *leaf;
  if (rooted_clean(entry->name, path, err) < 0)
    return -1;
  if (path[0] == '\0')
    return 0; /* the root itself keeps what it has */
  struct layer_inode *parent = open_parent(tree, entry, path, entry->name, &leaf, err);
  if (!parent)
    return -1;
  if (strncmp(leaf, OVERLAY_WHITEOUT_PREFIX, strlen(OVERLAY_WHITEOUT_PREFIX)) == 0)
    return add_whiteout(tree, parent, leaf, entry, err);
  if (entry->type == '5')
    return add_directory(tree, parent, leaf, entry, err);
  if (entry->type == '1')
    return add_hard_link(tree, parent, leaf, entry, err);
  return add_other(tree, parent, leaf, entry, offset, err);
}

int layer_tree_read(struct layer_tree *tree, struct tar_reader *reader, struct error *err) {
  *tree = (struct layer_tree){0};
  struct tar_entry *entry = malloc(sizeof *entry);
  tree->root = entry ? new_inode(tree, S_IFDIR | 0755, err) : NULL;
  if (!tree->root) {
    free(entry);
    return error_set(err, ENOMEM, "read layer");
  }
  int found;
  while ((found = tar_reader_next(reader, entry, err)) > 0) {
    tree->entries++;
    if (add_entry(tree, entry, tar_reader_offset(reader), err) < 0) {
      found = -1;
      break;
    }
  }
  free(entry);
  return found < 0 ? -1 : tar_reader_drain(reader, err);
}

void layer_tree_free(struct layer_tree *tree) {
  for (struct arena *arena = tree->arena, *next; arena; arena = next) {
    next = arena->next;
    free(arena);
  }
  free(tree->slots);
  *tree = (struct layer_tree){0};
}
