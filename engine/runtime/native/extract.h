/* Unpacks a hostile tar below a directory: the one extractor, for image layers and for docker cp.
 */
#ifndef GANTRY_EXTRACT_H
#define GANTRY_EXTRACT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"
#include "tar_reader.h"

struct extract_options {
  /* Image layer: `.wh.` names become overlay whiteouts, links in a parent path must stay inside the
   * layer. */
  bool layer;
  /* docker cp: a directory never replaces something else, nor the other way round. */
  bool keep_directories;
  /*
   * A tree that takes the place of another: an entry for the root itself ("./") gives `base` its
   * owner, mode and time, and an archive without end mark may have been cut off.
   */
  bool whole;
  /* Every entry gets this owner instead of the archive's. */
  bool chown;
  uid_t uid;
  gid_t gid;
  /*
   * docker cp: the container's root and where `base` is in it, so that absolute links in parent
   * paths mean what they mean in the container. -1 for layers.
   */
  int root;
  const char *base_path;
};

struct extract_summary {
  uint64_t entries, bytes;
};

/*
 * Reads the archive on `input` to its end and creates its entries below `base`. -1 with *err when
 * it is damaged, when an entry would leave `base`, or when writing fails; what was made until then
 * stays for the caller to remove.
 */
int extract_archive(int input, int base, const struct extract_options *options,
                    struct extract_summary *summary, struct error *err);

/* The same from a stream (tar_reader.h). */
int extract_stream(tar_read read, void *context, int base, const struct extract_options *options,
                   struct extract_summary *summary, struct error *err);

#endif
