/* Writes a file or directory tree as tar entries, following no link. */
#ifndef GANTRY_ARCHIVE_TREE_H
#define GANTRY_ARCHIVE_TREE_H

#include "tar_writer.h"

/*
 * Appends the entry `leaf` of the directory `parent` under the name `name` (a directory's children
 * below it; "/" is the root). Kernel file systems (proc, sysfs, ...) and /dev, which the engine
 * makes, appear as empty directories
 * (`path` is the place in the container); sockets are left out.
 */
int archive_tree(struct tar_writer *writer, int parent, const char *leaf, const char *path,
                 const char *name, struct error *err);

/*
 * Appends what is in the overlay upper directory `directory` as an image layer (OCI image-spec,
 * "Image Layer Filesystem Changeset"): names without a leading "/", in the order of their bytes,
 * whiteouts as `.wh.` files. The same tree always gives the same bytes.
 */
int archive_layer(struct tar_writer *writer, int directory, struct error *err);

/* Whether an open file is on a file system that shows the kernel's state instead of data. */
bool archive_is_kernel_file(int fd);

#endif
