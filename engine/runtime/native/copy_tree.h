/* tmpcopyup: fills a fresh tmpfs with what the image has at its mount point. */
#ifndef GANTRY_COPY_TREE_H
#define GANTRY_COPY_TREE_H

#include "error.h"

/*
 * Copies directories, regular files and symlinks below directory `from` (may be O_PATH) into
 * directory `to`, with mode and owner. Other kinds of files are skipped; no symlink is followed;
 * depth is limited.
 */
int copy_tree(int from, int to, struct error *err);

#endif
