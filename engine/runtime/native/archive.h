/* What the archive commands share: how they report, and how they reach a container's root. */
#ifndef GANTRY_ARCHIVE_H
#define GANTRY_ARCHIVE_H

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "error.h"

/* One line `ERRNO message` on stderr ("-" without errno); returns exit status 1. */
int archive_fail(const struct error *err);

/* `text` as a JSON string with its quotes. Bytes that are not UTF-8 are kept for the reader to
 * judge. */
void archive_json_string(FILE *out, const char *text);

#endif
