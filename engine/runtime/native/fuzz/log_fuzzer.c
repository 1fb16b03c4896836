/*
 * libFuzzer entry: what a container writes, in pieces, as json-file entries: every line of the file
 * is one object, whatever bytes came.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "log_file.h"

static struct log_file log;

static void check_escaping(const uint8_t *data, size_t size) {
  char *out = malloc(6 * size + 1);
  if (!out)
    return;
  size_t length = log_escape((const char *)data, size, out);
  if (length > 6 * size)
    abort();
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)out[i] < 0x20 || (out[i] == '"' && (i == 0 || out[i - 1] != '\\')))
      abort();
  }
  free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[64];
  const struct plan_log plan = {.path = path, .attributes = ""};
  struct error err = {0};
  check_escaping(data, size);
  if (!path[0])
    snprintf(path, sizeof path, "/dev/shm/gantry-fuzz-log-%d", getpid());
  unlink(path);
  memset(&log, 0, sizeof log);
  if (log_open(&log, &plan, &err) < 0)
    return 0;
  for (size_t at = 0; at < size;) {
    size_t piece = data[at] % 97 + 1u;
    if (piece > size - at)
      piece = size - at;
    log_write(&log, STREAM_STDOUT + (data[at] & 1), (const char *)data + at, piece);
    at += piece;
  }
  log_end(&log, STREAM_STDOUT);
  log_end(&log, STREAM_STDERR);
  log_close(&log);
  unlink(path);
  return 0;
}
