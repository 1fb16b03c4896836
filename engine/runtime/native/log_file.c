#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "descriptor.h"
#include "frame.h"
#include "log_file.h"

int log_open(struct log_file *log, const struct plan_log *plan, struct error *err) {
  log->plan = plan;
  log->needed = 1; /* the first there can be, until the engine says more */
  if (log_open_current(log) < 0) {
    error_set(err, errno, "open log %s", plan->path);
    return error_stage(err, "log");
  }
  return 0;
}

/*
 * A full disk must not stop the container: what cannot be written is lost, as with Docker, but
 * whole entries at a time: half of one would spoil the next.
 */
static void flush(struct log_file *log) {
  size_t done = 0;
  uint64_t before = log->size - log->used;
  if (log->fd < 0 && log_open_current(log) == 0)
    before = log->size;
  while (done < log->used) {
    ssize_t count = write(log->fd, log->buffer + done, log->used - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      break;
    done += (size_t)count;
  }
  if (done < log->used && log->fd >= 0)
    (void)!ftruncate(log->fd, (off_t)before);
  log->size = done < log->used ? before : before + log->used;
  log->used = 0;
}

static void append(struct log_file *log, const void *data, size_t size) {
  memcpy(log->buffer + log->used, data, size);
  log->used += size;
  log->size += size;
}

/* What is the same for every entry of one read. */
struct moment {
  struct timespec now;
  size_t suffix_size;
  char suffix[8192]; /* json: from the escaped line feed, which a partial entry leaves out, on */
};

static void take_moment(const struct log_file *log, int stream, struct moment *moment) {
  if (log->plan->format == LOG_ENTRIES) {
    clock_gettime(CLOCK_REALTIME, &moment->now);
    return;
  }
  char time[32];
  log_time(time);
  const char *attributes = log->plan->attributes;
  int size = snprintf(moment->suffix, sizeof moment->suffix,
                      "\\n\",\"stream\":\"%s\"%s%s,\"time\":\"%s\"}\n",
                      stream == STREAM_STDERR ? "stderr" : "stdout",
                      *attributes ? ",\"attrs\":" : "", attributes, time);
  moment->suffix_size = size > 0 && (size_t)size < sizeof moment->suffix ? (size_t)size : 0;
}

/* The text is escaped in pieces that surely fit into the buffer. */
static void write_json(struct log_file *log, const char *text, size_t size, bool ended,
                       const struct moment *moment) {
  enum { PIECE = 4096, WORST = 6 * LOG_MAX_LINE };
  if (LOG_BUFFER - log->used < 8 + WORST + sizeof moment->suffix)
    flush(log);
  append(log, "{\"log\":\"", 8);
  while (size > 0) {
    size_t piece = size < PIECE ? size : PIECE;
    /* Never cut inside a UTF-8 sequence: go back to where one can begin. */
    for (int back = 0; piece < size && back < 3 && ((unsigned char)text[piece] & 0xc0) == 0x80;
         back++)
      piece--;
    size_t escaped = log_escape(text, piece, log->buffer + log->used);
    log->used += escaped;
    log->size += escaped;
    text += piece;
    size -= piece;
  }
  append(log, moment->suffix + (ended ? 0 : 2), moment->suffix_size - (ended ? 0 : 2));
}

static void write_record(struct log_file *log, int stream, const char *text, size_t size,
                         bool ended, const struct moment *moment) {
  uint8_t head[LOG_RECORD_HEAD];
  uint32_t length = (uint32_t)(size + ended);
  store_u32(head, (uint32_t)moment->now.tv_sec);
  store_u32(head + 4, (uint32_t)moment->now.tv_nsec);
  store_u32(head + 8, length);
  store_u32(head + 12, (uint32_t)stream);
  if (LOG_BUFFER - log->used < LOG_RECORD_HEAD + size + 1 + LOG_RECORD_TAIL)
    flush(log);
  append(log, head, sizeof head);
  append(log, text, size);
  append(log, "\n", ended);
  append(log, head + 8, LOG_RECORD_TAIL);
}

/* One entry, at most LOG_MAX_LINE of text. */
static void write_entry(struct log_file *log, int stream, const char *text, size_t size, bool ended,
                        const struct moment *moment) {
  if (log->plan->max_bytes > 0 && log->size >= log->plan->max_bytes) {
    flush(log);
    log_rotate(log);
  }
  if (log->plan->format == LOG_ENTRIES)
    write_record(log, stream, text, size, ended, moment);
  else
    write_json(log, text, size, ended, moment);
}

void log_write(struct log_file *log, int stream, const char *data, size_t size) {
  struct log_partial *partial = &log->partials[stream == STREAM_STDERR];
  struct moment moment;
  take_moment(log, stream, &moment);
  while (size > 0) {
    const char *end = memchr(data, '\n', size);
    size_t length = end ? (size_t)(end - data) : size;
    if (partial->used == 0 && end && length <= LOG_MAX_LINE) {
      write_entry(log, stream, data, length, true, &moment);
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
      write_entry(log, stream, partial->data, partial->used, ended, &moment);
      partial->used = 0;
    }
    data += taken + ended;
    size -= taken + ended;
  }
  flush(log);
}

void log_end(struct log_file *log, int stream) {
  struct log_partial *partial = &log->partials[stream == STREAM_STDERR];
  struct moment moment;
  take_moment(log, stream, &moment);
  if (partial->used > 0)
    write_entry(log, stream, partial->data, partial->used, false, &moment);
  partial->used = 0;
  flush(log);
}

void log_release(struct log_file *log, uint64_t sequence) {
  if (sequence > log->needed)
    log->needed = sequence;
  log_retry_rotation(log);
}

void log_close(struct log_file *log) {
  if (log->compressor > 0) {
    int status = -1;
    kill(log->compressor, SIGKILL);
    waitpid(log->compressor, &status, 0);
    log->held = false;
    log_reaped(log, log->compressor, status);
  }
  close_fd(&log->fd);
}
