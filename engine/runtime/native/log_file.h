/*
 * What a container writes, on disk. Two formats:
 *
 * json: one JSON object per line of output, byte for byte as Docker writes it; rotated by renaming
 * (`x.log`, `x.log.1`, `x.log.2.gz`, as Docker).
 *
 * entries: every file is `<path>.<sequence>`, compressed `<path>.<sequence>.gz`; the highest is
 * written to, and a higher one begins with `sequence + 1`. Its records hold the bytes as they were
 * (little-endian):
 *
 *     record := seconds u32, nanoseconds u32, size u32, stream u32 (1, 2), text, size u32
 *
 * where the text ends with `\n` unless the line goes on in the next record of its stream.
 */
#ifndef GANTRY_LOG_FILE_H
#define GANTRY_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan.h"

enum { LOG_MAX_LINE = 16384, LOG_BUFFER = 262144, LOG_RECORD_HEAD = 16, LOG_RECORD_TAIL = 4 };

enum { STREAM_STDIN = 0, STREAM_STDOUT = 1, STREAM_STDERR = 2 };

/* A line whose end has not been read yet. */
struct log_partial {
  size_t used;
  char data[LOG_MAX_LINE];
};

struct log_file {
  const struct plan_log *plan;
  int fd;               /* -1: could not be opened; tried again at the next write */
  uint64_t size;        /* of the current file, with what is buffered */
  uint64_t sequence;    /* of the current file; entries only */
  uint64_t needed;      /* entries only: the engine has still to read from this file on */
  bool held;            /* a rotation is due and must wait: write no more than is at hand */
  pid_t compressor;     /* 0: none */
  uint64_t compressing; /* which file: its sequence (entries) or 1 (json) */
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

/* Ends a compression that is under way, too: the file stays as it was. */
void log_close(struct log_file *log);

/* The engine has read everything before the file `sequence`. */
void log_release(struct log_file *log, uint64_t sequence);

/* A child has ended; false: it was none of the log's. */
bool log_reaped(struct log_file *log, pid_t pid, int status);

/* --- log_json.c --- */

/*
 * Escapes like Go's encoder with HTML escaping: control characters, `<`, `>`, `&`, U+2028 and
 * U+2029 as \uXXXX, invalid UTF-8 as \ufffd. `out` holds 6 bytes per input byte. Returns the
 * length.
 */
size_t log_escape(const char *data, size_t size, char *out);

/* RFC 3339 in UTC with nanoseconds, trailing zeros trimmed as Go's RFC3339Nano does. */
void log_time(char text[32]);

/* --- log_rotation.c: the files, for log_file.c --- */

/* Opens the file to append to, or the next when its end is torn. -1: errno says why. */
int log_open_current(struct log_file *log);

/* Begins a new file if that may be now; otherwise `held` is set and the file grows on. */
void log_rotate(struct log_file *log);

/* Rotates now if one was held and may be by now. */
void log_retry_rotation(struct log_file *log);

#endif
