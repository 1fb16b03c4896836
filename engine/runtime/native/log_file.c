#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "descriptor.h"
#include "log_file.h"

/* Bytes that stand for themselves: printable ASCII and DEL without " & < > and the backslash. */
static const bool plain[256] = {
    [0x20 ... 0x21] = true, [0x23 ... 0x25] = true, [0x27 ... 0x3b] = true,
    ['='] = true,           [0x3f ... 0x5b] = true, [0x5d ... 0x7f] = true,
};

/* Length of the valid UTF-8 sequence at `text` (RFC 3629: no surrogates, shortest form, up to
 * U+10FFFF), else 0. */
static size_t utf8_length(const unsigned char *text, size_t size) {
  unsigned char first = text[0], low = 0x80, high = 0xbf;
  size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                  : first >= 0xe0 && first <= 0xef ? 3
                  : first >= 0xf0 && first <= 0xf4 ? 4
                                                   : 0;
  if (length == 0 || length > size)
    return 0;
  if (first == 0xe0)
    low = 0xa0;
  else if (first == 0xed)
    high = 0x9f;
  else if (first == 0xf0)
    low = 0x90;
  else if (first == 0xf4)
    high = 0x8f;
  if (text[1] < low || text[1] > high)
    return 0;
  for (size_t i = 2; i < length; i++) {
    if (text[i] < 0x80 || text[i] > 0xbf)
      return 0;
  }
  return length;
}

static size_t escape_ascii(unsigned char byte, char *out) {
  static const char digits[] = "0123456789abcdef";
  out[0] = '\\';
  switch (byte) {
  case '"':
  case '\\':
    out[1] = (char)byte;
    return 2;
  case '\n':
    out[1] = 'n';
    return 2;
  case '\r':
    out[1] = 'r';
    return 2;
  }
  memcpy(out + 1, "u00", 3);
  out[4] = digits[byte >> 4];
  out[5] = digits[byte & 15];
  return 6;
}

size_t log_escape(const char *data, size_t size, char *out) {
  const unsigned char *text = (const unsigned char *)data;
  size_t used = 0;
  for (size_t i = 0; i < size;) {
    size_t start = i;
    while (i < size && plain[text[i]])
      i++;
    memcpy(out + used, text + start, i - start);
    used += i - start;
    if (i == size)
      break;
    if (text[i] < 0x80) {
      used += escape_ascii(text[i++], out + used);
      continue;
    }
    size_t length = utf8_length(text + i, size - i);
    bool separator =
        length == 3 && text[i] == 0xe2 && text[i + 1] == 0x80 && (text[i + 2] & 0xfe) == 0xa8;
    if (length == 0) {
      memcpy(out + used, "\\ufffd", 6);
      used += 6;
      i++;
    } else if (separator) {
      memcpy(out + used, text[i + 2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
      used += 6;
      i += length;
    } else {
      memcpy(out + used, text + i, length);
      used += length;
      i += length;
    }
  }
  return used;
}

void log_time(char text[32]) {
  struct timespec now;
  struct tm parts;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &parts);
  size_t length = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
  length += (size_t)snprintf(text + length, 32 - length, ".%09ld", now.tv_nsec);
  while (text[length - 1] == '0')
    length--;
  if (text[length - 1] == '.')
    length--;
  memcpy(text + length, "Z", 2);
}

static int open_file(struct log_file *log, int flags) {
  log->fd =
      open(log->plan->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
  struct stat stat;
  log->size = log->fd >= 0 && fstat(log->fd, &stat) == 0 ? (uint64_t)stat.st_size : 0;
  return log->fd;
}

int log_open(struct log_file *log, const struct plan_log *plan, struct error *err) {
  log->plan = plan;
  if (open_file(log, 0) < 0) {
    error_set(err, errno, "open log %s", plan->path);
    return error_stage(err, "log");
  }
  return 0;
}

/* A full disk must not stop the container: what cannot be written is lost, as with Docker. */
static void flush(struct log_file *log) {
  for (size_t done = 0; done < log->used;) {
    ssize_t count = write(log->fd, log->buffer + done, log->used - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      break;
    done += (size_t)count;
  }
  log->used = 0;
}

/* `x.log` becomes `x.log.1`, that one `.2`, and so on; maxFiles counts the current one. */
static void rotate(struct log_file *log) {
  char from[PATH_MAX], to[PATH_MAX];
  const struct plan_log *plan = log->plan;
  for (uint32_t i = plan->max_files > 1 ? plan->max_files - 1 : 0; i > 0; i--) {
    if (i == 1)
      snprintf(from, sizeof from, "%s", plan->path);
    else
      snprintf(from, sizeof from, "%s.%u", plan->path, i - 1);
    if (snprintf(to, sizeof to, "%s.%u", plan->path, i) < (int)sizeof to)
      rename(from, to);
  }
  close_fd(&log->fd);
  open_file(log, plan->max_files > 1 ? 0 : O_TRUNC);
}

static void append(struct log_file *log, const char *data, size_t size) {
  memcpy(log->buffer + log->used, data, size);
  log->used += size;
  log->size += size;
}

/* One entry, at most LOG_MAX_LINE of text. The text is escaped in pieces that surely fit into the
 * buffer. */
static void write_entry(struct log_file *log, const char *text, size_t size, bool ended,
                        const char *suffix, size_t suffix_size) {
  enum { PIECE = 4096 };
  if (log->plan->max_bytes > 0 && log->size >= log->plan->max_bytes) {
    flush(log);
    rotate(log);
  }
  if (LOG_BUFFER - log->used < 8 + 6 * PIECE + suffix_size)
    flush(log);
  append(log, "{\"log\":\"", 8);
  while (size > 0) {
    size_t piece = size < PIECE ? size : PIECE;
    /* Never cut inside a UTF-8 sequence: go back to where one can begin. */
    for (int back = 0; piece < size && back < 3 && ((unsigned char)text[piece] & 0xc0) == 0x80;
         back++)
      piece--;
    if (LOG_BUFFER - log->used < 6 * piece + suffix_size)
      flush(log);
    size_t escaped = log_escape(text, piece, log->buffer + log->used);
    log->used += escaped;
    log->size += escaped;
    text += piece;
    size -= piece;
  }
  append(log, suffix + (ended ? 0 : 2), suffix_size - (ended ? 0 : 2));
}

/* What follows the text; starts with the escaped line feed that a partial entry leaves out. */
static size_t make_suffix(const struct log_file *log, int stream, char *suffix, size_t capacity) {
  char time[32];
  log_time(time);
  const char *attributes = log->plan->attributes;
  int size = snprintf(suffix, capacity, "\\n\",\"stream\":\"%s\"%s%s,\"time\":\"%s\"}\n",
                      stream == STREAM_STDERR ? "stderr" : "stdout",
                      *attributes ? ",\"attrs\":" : "", attributes, time);
  return size > 0 && (size_t)size < capacity ? (size_t)size : 0;
}

void log_write(struct log_file *log, int stream, const char *data, size_t size) {
  struct log_partial *partial = &log->partials[stream == STREAM_STDERR];
  char suffix[8192];
  size_t suffix_size = make_suffix(log, stream, suffix, sizeof suffix);
  while (size > 0) {
    const char *end = memchr(data, '\n', size);
    size_t length = end ? (size_t)(end - data) : size;
    if (partial->used == 0 && end && length <= LOG_MAX_LINE) {
      write_entry(log, data, length, true, suffix, suffix_size);
      data += length + 1;
      size -= length + 1;
      continue;
    }
    size_t room = LOG_MAX_LINE - partial->used;
    size_t taken = length < room ? length : room;
    memcpy(partial->data + partial->used, data, taken);
    partial->used += taken;
    bool ended = end && taken == length;
    if (ended || partial->used == LOG_MAX_LINE) {
      write_entry(log, partial->data, partial->used, ended, suffix, suffix_size);
      partial->used = 0;
    }
    data += taken + ended;
    size -= taken + ended;
  }
  flush(log);
}

void log_end(struct log_file *log, int stream) {
  struct log_partial *partial = &log->partials[stream == STREAM_STDERR];
  char suffix[8192];
  size_t suffix_size = make_suffix(log, stream, suffix, sizeof suffix);
  if (partial->used > 0)
    write_entry(log, partial->data, partial->used, false, suffix, suffix_size);
  partial->used = 0;
  flush(log);
}

void log_close(struct log_file *log) {
  close_fd(&log->fd);
}
