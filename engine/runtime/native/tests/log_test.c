#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "log_file.h"
#include "test.h"

struct scratch {
  char directory[64];
  char path[96];
  struct plan_log plan;
  struct log_file *log;
};

static void open_scratch(struct scratch *scratch, uint64_t max_bytes, uint32_t max_files) {
  struct error err = {0};
  strcpy(scratch->directory, "/tmp/gantry-log-XXXXXX");
  CHECK(mkdtemp(scratch->directory) != NULL);
  snprintf(scratch->path, sizeof scratch->path, "%s/log", scratch->directory);
  scratch->plan = (struct plan_log){
      .path = scratch->path, .max_bytes = max_bytes, .max_files = max_files, .attributes = ""};
  scratch->log = calloc(1, sizeof *scratch->log);
  CHECK(log_open(scratch->log, &scratch->plan, &err) == 0);
}

/* false: there is no such file. `number` 0: the log itself. */
static bool has_file(const struct scratch *scratch, int number, const char *ending) {
  char path[128];
  snprintf(path, sizeof path, number ? "%s.%d%s" : "%s", scratch->path, number, ending);
  return access(path, F_OK) == 0;
}

static void close_scratch(struct scratch *scratch) {
  log_close(scratch->log);
  free(scratch->log);
  for (int i = 0; i < 40; i++) {
    char path[128];
    snprintf(path, sizeof path, i % 20 ? "%s.%d%s" : "%s", scratch->path, i % 20,
             i < 20 ? "" : ".gz");
    unlink(path);
  }
  rmdir(scratch->directory);
}

/* The whole file; the caller frees it. */
static char *read_log(const char *path) {
  FILE *file = fopen(path, "re");
  char *text = calloc(1, 1 << 20);
  if (file) {
    (void)!fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
  }
  return text;
}

static void expect_escape(const char *data, size_t size, const char *expected) {
  char out[256];
  size_t length = log_escape(data, size, out);
  out[length] = '\0';
  CHECK_EQUAL(out, expected);
}

#define EXPECT_ESCAPE(literal, expected) expect_escape(literal, sizeof literal - 1, expected)

static void escapes_like_go(void) {
  EXPECT_ESCAPE("plain ~\x7f", "plain ~\x7f");
  EXPECT_ESCAPE("\"\\\n\r\t\b", "\\\"\\\\\\n\\r\\u0009\\u0008");
  EXPECT_ESCAPE("<a&b>", "\\u003ca\\u0026b\\u003e");
  EXPECT_ESCAPE("a\0b", "a\\u0000b");
  EXPECT_ESCAPE("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3");
  EXPECT_ESCAPE("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\\u2028\\u2029\xe2\x80\xaa");
}

static void replaces_invalid_utf8(void) {
  EXPECT_ESCAPE("a\xff"
                "b",
                "a\\ufffdb");
  EXPECT_ESCAPE("\xc0\xaf", "\\ufffd\\ufffd");                       /* overlong */
  EXPECT_ESCAPE("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");            /* surrogate */
  EXPECT_ESCAPE("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"); /* past U+10FFFF */
  EXPECT_ESCAPE("\xe2\x82", "\\ufffd\\ufffd");                       /* cut off */
}

/* The time differs from run to run: everything from `,"time"` to the end of the line is dropped. */
static char *without_times(char *text) {
  char *out = text;
  for (char *line = text; *line;) {
    char *end = strchr(line, '\n');
    char *time = strstr(line, ",\"time\":\"2");
    if (!end || !time || time > end)
      break;
    memmove(out, line, (size_t)(time - line));
    out += time - line;
    *out++ = '\n';
    line = end + 1;
  }
  *out = '\0';
  return text;
}

static void splits_lines_across_reads(void) {
  struct scratch scratch;
  open_scratch(&scratch, 0, 1);
  log_write(scratch.log, STREAM_STDOUT, "one\ntw", 6);
  log_write(scratch.log, STREAM_STDERR, "oops\n", 5);
  log_write(scratch.log, STREAM_STDOUT, "o\n\nend", 6);
  log_end(scratch.log, STREAM_STDOUT);
  log_end(scratch.log, STREAM_STDERR);
  char *text = read_log(scratch.path);
  CHECK_EQUAL(without_times(text), "{\"log\":\"one\\n\",\"stream\":\"stdout\"\n"
                                   "{\"log\":\"oops\\n\",\"stream\":\"stderr\"\n"
                                   "{\"log\":\"two\\n\",\"stream\":\"stdout\"\n"
                                   "{\"log\":\"\\n\",\"stream\":\"stdout\"\n"
                                   "{\"log\":\"end\",\"stream\":\"stdout\"\n");
  free(text);
  close_scratch(&scratch);
}

static void cuts_long_lines_at_16_kib(void) {
  struct scratch scratch;
  static char line[2 * LOG_MAX_LINE + 11];
  open_scratch(&scratch, 0, 1);
  memset(line, 'x', sizeof line);
  line[sizeof line - 1] = '\n';
  for (size_t at = 0; at < sizeof line; at += 1000)
    log_write(scratch.log, STREAM_STDOUT, line + at,
              sizeof line - at < 1000 ? sizeof line - at : 1000);
  char *text = read_log(scratch.path);
  size_t lengths[4] = {0}, count = 0;
  for (char *entry = text; *entry && count < 4; entry = strchr(entry, '\n') + 1)
    lengths[count++] = strcspn(entry + 8, "\"\\");
  CHECK(count == 3);
  CHECK(lengths[0] == LOG_MAX_LINE && lengths[1] == LOG_MAX_LINE && lengths[2] == 10);
  CHECK(strstr(text, "xxxxxxxxxx\\n\",\"stream\"") != NULL);
  free(text);
  close_scratch(&scratch);
}

/* Everything that needs six bytes for one, in lines of the greatest length. */
static void survives_the_worst_expansion(void) {
  struct scratch scratch;
  static char line[65536];
  open_scratch(&scratch, 0, 1);
  memset(line, 0xff, sizeof line);
  log_write(scratch.log, STREAM_STDOUT, line, sizeof line);
  struct stat stat_buffer;
  CHECK(stat(scratch.path, &stat_buffer) == 0 && stat_buffer.st_size > 6 * 65536);
  close_scratch(&scratch);
}

/* A character that lies across two of the pieces that are escaped at a time stays whole. */
static void keeps_characters_whole(void) {
  struct scratch scratch;
  static char line[12001];
  open_scratch(&scratch, 0, 1);
  line[0] = 'a';
  for (size_t i = 1; i + 3 <= sizeof line - 1; i += 3)
    memcpy(line + i, "\xe2\x82\xac", 3);
  line[sizeof line - 2] = 'a';
  line[sizeof line - 3] = 'a';
  line[sizeof line - 1] = '\n';
  log_write(scratch.log, STREAM_STDOUT, line, sizeof line);
  char *text = read_log(scratch.path);
  CHECK(strstr(text, "ufffd") == NULL);
  free(text);
  close_scratch(&scratch);
}

static void rotates_at_the_size(void) {
  struct scratch scratch;
  char path[112];
  open_scratch(&scratch, 1000, 3);
  for (int i = 0; i < 60; i++)
    log_write(scratch.log, STREAM_STDOUT, "0123456789\n", 11);
  struct stat stat_buffer;
  for (int i = 0; i < 4; i++) {
    snprintf(path, sizeof path, i ? "%s.%d" : "%s", scratch.path, i);
    bool exists = stat(path, &stat_buffer) == 0;
    CHECK(exists == (i < 3));
    if (exists)
      CHECK(stat_buffer.st_size <= 1100);
  }
  close_scratch(&scratch);
}

static void truncates_when_one_file_is_kept(void) {
  struct scratch scratch;
  char path[112];
  open_scratch(&scratch, 500, 1);
  for (int i = 0; i < 60; i++)
    log_write(scratch.log, STREAM_STDOUT, "0123456789\n", 11);
  struct stat stat_buffer;
  snprintf(path, sizeof path, "%s.1", scratch.path);
  CHECK(stat(path, &stat_buffer) < 0);
  CHECK(stat(scratch.path, &stat_buffer) == 0 && stat_buffer.st_size <= 600 &&
        stat_buffer.st_size > 0);
  close_scratch(&scratch);
}

/* With the log's own plan changed; for what open_scratch has no parameter for. */
static void reopen(struct scratch *scratch, uint32_t format, bool compress, bool hold) {
  struct error err = {0};
  log_close(scratch->log);
  unlink(scratch->path);
  scratch->plan.format = format;
  scratch->plan.compress = compress;
  scratch->plan.hold = hold;
  memset(scratch->log, 0, sizeof *scratch->log);
  CHECK(log_open(scratch->log, &scratch->plan, &err) == 0);
}

static void wait_for_compressor(struct log_file *log) {
  int status;
  while (log->compressor > 0) {
    pid_t pid = waitpid(log->compressor, &status, 0);
    CHECK(pid == log->compressor);
    CHECK(log_reaped(log, pid, status));
  }
}

static uint32_t number_at(const char *data) {
  return load_u32((const uint8_t *)data);
}

static void keeps_bytes_in_records(void) {
  struct scratch scratch;
  char path[112];
  open_scratch(&scratch, 0, 1);
  reopen(&scratch, LOG_ENTRIES, false, false);
  log_write(scratch.log, STREAM_STDERR, "a\xff\n\0b", 5);
  log_end(scratch.log, STREAM_STDERR);
  snprintf(path, sizeof path, "%s.1", scratch.path);
  char *data = read_log(path);
  CHECK(number_at(data) > 1700000000 && number_at(data + 4) < 1000000000);
  CHECK(number_at(data + 8) == 3 && number_at(data + 12) == STREAM_STDERR);
  CHECK(memcmp(data + 16, "a\xff\n", 3) == 0 && number_at(data + 19) == 3);
  CHECK(number_at(data + 23 + 8) == 2 && memcmp(data + 23 + 16, "\0b", 2) == 0);
  CHECK(number_at(data + 23 + 18) == 2);
  free(data);
  close_scratch(&scratch);
}

static void begins_a_new_file_behind_a_torn_record(void) {
  struct scratch scratch;
  struct error err = {0};
  char path[112];
  open_scratch(&scratch, 0, 3);
  reopen(&scratch, LOG_ENTRIES, false, false);
  log_write(scratch.log, STREAM_STDOUT, "whole\n", 6);
  log_close(scratch.log);
  CHECK(log_open(scratch.log, &scratch.plan, &err) == 0);
  CHECK(scratch.log->sequence == 1 && scratch.log->size == 26);
  log_write(scratch.log, STREAM_STDOUT, "torn\n", 5);
  log_close(scratch.log);
  snprintf(path, sizeof path, "%s.1", scratch.path);
  CHECK(truncate(path, 40) == 0);
  CHECK(log_open(scratch.log, &scratch.plan, &err) == 0);
  CHECK(scratch.log->sequence == 2 && scratch.log->size == 0);
  close_scratch(&scratch);
}

static void holds_what_is_not_read(void) {
  struct scratch scratch;
  open_scratch(&scratch, 100, 2);
  reopen(&scratch, LOG_ENTRIES, false, true);
  for (int i = 0; i < 100; i++)
    log_write(scratch.log, STREAM_STDOUT, "0123456789\n", 11);
  CHECK(scratch.log->held && scratch.log->sequence == 2);
  CHECK(has_file(&scratch, 1, "") && scratch.log->size > 100);
  log_release(scratch.log, 1);
  CHECK(scratch.log->held);
  log_release(scratch.log, 2);
  CHECK(!scratch.log->held && scratch.log->sequence == 3);
  CHECK(!has_file(&scratch, 1, "") && has_file(&scratch, 2, ""));
  close_scratch(&scratch);
}

static void compresses_what_was_rotated(void) {
  struct scratch scratch;
  char command[256];
  open_scratch(&scratch, 1000, 3);
  reopen(&scratch, LOG_JSON, true, false);
  for (int i = 0; i < 60; i++) {
    log_write(scratch.log, STREAM_STDOUT, "0123456789\n", 11);
    wait_for_compressor(scratch.log);
  }
  CHECK(has_file(&scratch, 0, "") && has_file(&scratch, 1, ".gz") && has_file(&scratch, 2, ".gz"));
  CHECK(!has_file(&scratch, 1, "") && !has_file(&scratch, 3, ".gz"));
  snprintf(command, sizeof command, "gzip -dc %s.1.gz | grep -c '\"log\":\"0123456789' >/dev/null",
           scratch.path);
  CHECK(system(command) == 0);
  close_scratch(&scratch);
}

static void waits_for_the_compressor(void) {
  struct scratch scratch;
  open_scratch(&scratch, 1000, 5);
  reopen(&scratch, LOG_ENTRIES, true, false);
  while (scratch.log->compressor == 0)
    log_write(scratch.log, STREAM_STDOUT, "0123456789\n", 11);
  for (int i = 0; i < 100; i++)
    log_write(scratch.log, STREAM_STDOUT, "0123456789\n", 11);
  CHECK(scratch.log->held && scratch.log->sequence == 2);
  wait_for_compressor(scratch.log);
  CHECK(!scratch.log->held && scratch.log->sequence == 3);
  CHECK(has_file(&scratch, 1, ".gz") && has_file(&scratch, 2, ".gz") && !has_file(&scratch, 1, ""));
  close_scratch(&scratch);
}

static void leaves_nothing_half_compressed(void) {
  struct scratch scratch;
  open_scratch(&scratch, 1000, 5);
  reopen(&scratch, LOG_ENTRIES, true, false);
  while (scratch.log->compressor == 0)
    log_write(scratch.log, STREAM_STDOUT, "0123456789\n", 11);
  log_close(scratch.log);
  CHECK(has_file(&scratch, 1, "") != has_file(&scratch, 1, ".gz"));
  CHECK(!has_file(&scratch, 1, ".gz.tmp"));
  close_scratch(&scratch);
}

/* /dev/full takes nothing; what a full disk takes half of is taken back. */
static void loses_whole_entries_when_the_disk_is_full(void) {
  struct scratch scratch;
  struct rlimit old, small = {.rlim_cur = 150, .rlim_max = RLIM_INFINITY};
  open_scratch(&scratch, 0, 1);
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &old);
  small.rlim_max = old.rlim_max;
  setrlimit(RLIMIT_FSIZE, &small);
  for (int i = 0; i < 5; i++)
    log_write(scratch.log, STREAM_STDOUT, "0123456789\n", 11);
  setrlimit(RLIMIT_FSIZE, &old);
  log_write(scratch.log, STREAM_STDOUT, "again\n", 6);
  char *text = read_log(scratch.path);
  CHECK_EQUAL(without_times(text), "{\"log\":\"0123456789\\n\",\"stream\":\"stdout\"\n"
                                   "{\"log\":\"again\\n\",\"stream\":\"stdout\"\n");
  free(text);
  close_scratch(&scratch);
}

static void adds_attributes(void) {
  struct scratch scratch;
  open_scratch(&scratch, 0, 1);
  scratch.plan.attributes = "{\"tag\":\"x\"}";
  log_write(scratch.log, STREAM_STDOUT, "a\n", 2);
  char *text = read_log(scratch.path);
  CHECK_EQUAL(without_times(text),
              "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"x\"}\n");
  free(text);
  close_scratch(&scratch);
}

static void tells_the_time_as_go_does(void) {
  char text[32];
  for (int i = 0; i < 1000; i++) {
    log_time(text);
    size_t length = strlen(text);
    CHECK(length >= 20 && length <= 30 && text[10] == 'T' && text[length - 1] == 'Z');
    CHECK(length == 20 || (text[19] == '.' && text[length - 2] != '0'));
  }
}

const struct test_case log_tests[] = {
    {"text is escaped as Go's encoder does with HTML escaping", escapes_like_go},
    {"each byte of invalid UTF-8 becomes U+FFFD", replaces_invalid_utf8},
    {"lines are put together across reads, the unfinished last one has no line feed",
     splits_lines_across_reads},
    {"a line over 16 KiB becomes several entries", cuts_long_lines_at_16_kib},
    {"the worst expansion fits", survives_the_worst_expansion},
    {"a character is never cut by the size of a piece", keeps_characters_whole},
    {"a full file is rotated and the oldest forgotten", rotates_at_the_size},
    {"with a single file a full one starts over", truncates_when_one_file_is_kept},
    {"records keep the bytes as they were", keeps_bytes_in_records},
    {"a torn record is left alone, the next file begins", begins_a_new_file_behind_a_torn_record},
    {"a file that has not been read yet is not given up", holds_what_is_not_read},
    {"what was rotated is compressed", compresses_what_was_rotated},
    {"the next rotation waits for the compression of the last", waits_for_the_compressor},
    {"a log that ends leaves nothing half compressed", leaves_nothing_half_compressed},
    {"a full disk loses whole entries", loses_whole_entries_when_the_disk_is_full},
    {"extra attributes stand between stream and time", adds_attributes},
    {"the time is RFC 3339 without trailing zeros", tells_the_time_as_go_does},
    {0},
};
