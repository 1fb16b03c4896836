/* The json-file log: one JSON object per line of output, byte for byte as Docker writes it. */
#ifndef GANTRY_LOG_FILE_H
#define GANTRY_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

enum { LOG_MAX_LINE = 16384, LOG_BUFFER = 262144 };

enum { STREAM_STDIN = 0, STREAM_STDOUT = 1, STREAM_STDERR = 2 };

/* A line whose end has not been read yet. */
struct log_partial {
  size_t used;
  char data[LOG_MAX_LINE];
};

struct log_file {
  const struct plan_log *plan;
  int fd;
  uint64_t size; /* of the current file, with what is buffered */
  struct log_partial partials[2];
  size_t used;
  char buffer[LOG_BUFFER];
};

int log_open(struct log_file *log, const struct plan_log *plan, struct error *err);

/*
 * Splits into lines; one of more than 16 KiB becomes several entries of which only the last ends
 * with `\n`. Everything complete is written out before it returns.
 */
void log_write(struct log_file *log, int stream, const char *data, size_t size);

/* The stream has ended: an unfinished line is written without `\n`. */
void log_end(struct log_file *log, int stream);

void log_close(struct log_file *log);

/*
 * Escapes like Go's encoder with HTML escaping: control characters, `<`, `>`, `&`, U+2028 and
 * U+2029 as \uXXXX, invalid UTF-8 as \ufffd. `out` holds 6 bytes per input byte. Returns the
 * length.
 */
size_t log_escape(const char *data, size_t size, char *out);

/* RFC 3339 in UTC with nanoseconds, trailing zeros trimmed as Go's RFC3339Nano does. */
void log_time(char text[32]);

#endif
