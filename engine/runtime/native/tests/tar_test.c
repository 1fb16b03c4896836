/* The tar reader under hostile input, and against what the writer makes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rooted.h"
#include "tar_builder.h"
#include "tar_reader.h"
#include "tar_writer.h"
#include "test.h"

static struct tar_entry entry;
static char attribute[128]; /* `name=value` of the last one seen; the reader forgets it */

/* Reads everything; the last entry stays in `entry`. Returns the number of entries or -1. */
static int read_all(const void *bytes, size_t size, struct error *err) {
  struct tar_reader reader;
  int fd = open_bytes(bytes, size), count = 0, found;
  *err = (struct error){0};
  if (tar_reader_open(&reader, fd, err) < 0)
    abort();
  while ((found = tar_reader_next(&reader, &entry, err)) > 0) {
    const unsigned char *data;
    uint64_t place;
    long piece;
    while ((piece = tar_reader_data(&reader, &data, &place, err)) > 0)
      ;
    if (piece < 0)
      break;
    for (size_t i = 0; i < entry.xattr_count; i++)
      snprintf(attribute, sizeof attribute, "%s=%.*s", entry.xattrs[i].name,
               (int)entry.xattrs[i].size, entry.xattrs[i].value);
    count++;
  }
  tar_reader_close(&reader);
  close(fd);
  return found == 0 ? count : -1;
}

static int read_archive(struct error *err) {
  int count = read_all(archive.bytes, archive.size, err);
  archive.size = 0;
  return count;
}

static void refuses(const char *message) {
  struct error err;
  CHECK(read_archive(&err) == -1);
  if (!strstr(err.message, message))
    test_equal(__FILE__, __LINE__, err.message, message);
}

static void reads_plain_entries(void) {
  struct error err;
  add("directory/", '0', "", 0);
  add_header("name", '0', "00000000000", "some/prefix", NULL);
  add_end();
  CHECK(read_archive(&err) == 2);
  CHECK_EQUAL(entry.name, "some/prefix/name");
  CHECK(entry.type == '0' && entry.mode == 0755 && entry.uid == getuid() && entry.gid == getgid());
  add("directory/", '0', "", 0);
  CHECK(read_archive(&err) == 1);
  CHECK(entry.type == '5');
}

static void reads_long_names(void) {
  struct error err;
  char name[300], record[400];
  memset(name, 'n', sizeof name);
  name[299] = '\0';
  add("././@LongLink", 'L', name, sizeof name);
  add("short", '0', "x", 1);
  CHECK(read_archive(&err) == 1);
  CHECK_EQUAL(entry.name, name);
  int length = snprintf(record, sizeof record, "309 path=%s\n", name);
  CHECK(length == 309);
  add("pax", 'x', record, (size_t)length);
  add("short", '0', "x", 1);
  CHECK(read_archive(&err) == 1);
  CHECK_EQUAL(entry.name, name);
}

static void reads_extended_values(void) {
  struct error err;
  static const char records[] =
      "20 mtime=-1.2500000\n13 uid=70000\n10 size=3\n25 SCHILY.xattr.user.a=b\n";
  add("pax", 'x', records, sizeof records - 1);
  add_header("f", '0', "00000000000", "", NULL);
  memcpy(archive.bytes + archive.size, "abc", 3);
  archive.size += TAR_BLOCK;
  add_end();
  CHECK(read_archive(&err) == 1);
  CHECK(entry.size == 3 && entry.uid == 70000);
  CHECK(entry.mtime.tv_sec == -2 && entry.mtime.tv_nsec == 750000000);
  CHECK_EQUAL(attribute, "user.a=b");
}

/* A PAX header with `records` before a sparse file of `stored` bytes. */
static void add_sparse(const char *records, const char *stored) {
  add("pax", 'x', records, strlen(records));
  add("GNUSparseFile.0/f", '0', stored, strlen(stored));
}

static void reads_sparse_files(void) {
  struct error err;
  add_sparse("22 GNU.sparse.major=0\n22 GNU.sparse.minor=1\n26 GNU.sparse.numblocks=2\n"
             "23 GNU.sparse.size=900\n22 GNU.sparse.name=ab\n30 GNU.sparse.map=100,3,700,2\n",
             "abcde");
  CHECK(read_archive(&err) == 1);
  CHECK_EQUAL(entry.name, "ab");
  CHECK(entry.type == '0' && entry.sparse && entry.size == 900 && entry.extent_count == 2);
  char stored[TAR_BLOCK + 6] = "2\n100\n3\n700\n2\n";
  memcpy(stored + TAR_BLOCK, "abcde", 6);
  add_sparse("22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n27 GNU.sparse.realsize=900\n", "");
  archive.size -= TAR_BLOCK;
  add("f", '0', stored, TAR_BLOCK + 5);
  CHECK(read_archive(&err) == 1);
  CHECK(entry.sparse && entry.size == 900 && entry.extent_count == 2);
}

static void refuses_sparse_maps_that_lie(void) {
  static const char *const maps[] = {
      "30 GNU.sparse.map=100,3,102,2\n", /* overlap */
      "30 GNU.sparse.map=700,3,100,2\n", /* backwards */
      "30 GNU.sparse.map=100,3,899,2\n", /* beyond the end */
      "30 GNU.sparse.map=100,4,700,2\n", /* more than there is */
      "30 GNU.sparse.map=100,1,700,2\n", /* less than there is */
      "28 GNU.sparse.map=100,3,700\n",   /* half of a pair */
      "26 GNU.sparse.map=-1,5,,1\n",
      "22 GNU.sparse.map=0,5\n",
      "44 GNU.sparse.map=9223372036854775807,5,1,1\n",
  };
  for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
    char records[300];
    snprintf(records, sizeof records,
             "22 GNU.sparse.major=0\n22 GNU.sparse.minor=1\n26 GNU.sparse.numblocks=2\n"
             "23 GNU.sparse.size=900\n%s",
             maps[i]);
    add_sparse(records, "abcde");
    refuses("bad sparse map");
  }
}

static void reads_base_256(void) {
  struct error err;
  add_header("f", '5', "\x80\0\0\0\0\0\0\0\0\0\0\1", "", NULL);
  add_end();
  CHECK(read_archive(&err) == 1);
  add_header("f", '0', "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "", NULL);
  refuses("negative size");
  add_header("f", '0', "\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "", NULL);
  refuses("out of range");
}

static void refuses_damage(void) {
  add("f", '0', "content", 7);
  archive.bytes[3] ^= 1;
  refuses("invalid tar header");
  add("f", '0', "content", 7);
  archive.size = TAR_BLOCK + 3;
  refuses("unexpected EOF");
  add("f", '0', "", 0);
  archive.size = 100;
  refuses("unexpected EOF");
  add("pax", 'x', "9 path=a\n", 9);
  refuses("unexpected EOF");
  add("f", '0', "x", 1);
  memset(archive.bytes + archive.size, 0, TAR_BLOCK);
  archive.size += TAR_BLOCK;
  add("after one zero block", '0', "x", 1);
  refuses("invalid tar header");
}

static void refuses_bad_records(void) {
  static const char *const bad[] = {"99 path=a\n",
                                    "5 path=a\n",
                                    "path=a\n",
                                    "0 a=b\n",
                                    "4 a=\n",
                                    "9 path=a ",
                                    "-9 a=b\n",
                                    "6 =abc\n",
                                    "7 abcd\n",
                                    "\n",
                                    "99999999999999999999 a=b\n",
                                    "12 uid=-1ab\n",
                                    "13 mtime=abc\n",
                                    "11 size=99x",
                                    "14 size=9e9999\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    add("pax", 'x', bad[i], strlen(bad[i]));
    add("f", '0', "x", 1);
    refuses("invalid PAX record");
  }
}

static void refuses_what_is_out_of_bounds(void) {
  add_header("pax", 'x', "00004000001", "", NULL);
  refuses("extended header of 1048577 bytes");
  add("pax", 'x', "18 uid=4294967295\n", 18);
  add("f", '0', "x", 1);
  refuses("invalid owner");
  add("pax", 'x', "23 size=99999999999999\n", 23);
  add("f", '0', "x", 1);
  refuses("too large");
  add("pax", 'x', "11 path=a\0b\n", 12);
  add("f", '0', "x", 1);
  refuses("invalid PAX record");
  add("pax", 'x', "12 path=a\0b\n", 12);
  add("f", '0', "x", 1);
  refuses("NUL in a name");
  add("pax", 'x', "22 GNU.sparse.major=1\n", 22);
  add("f", '0', "x", 1);
  refuses("sparse");
  add("f", 'S', "x", 1);
  refuses("sparse");
  add("f", 'V', "", 0);
  refuses("unhandled tar header type 86");
}

static void refuses_too_many_attributes(void) {
  static char records[(TAR_MAX_XATTRS + 1) * 25];
  for (int i = 0; i <= TAR_MAX_XATTRS; i++)
    memcpy(records + i * 25, "25 SCHILY.xattr.user.a=b\n", 25);
  add("pax", 'x', records, sizeof records);
  add("f", '0', "x", 1);
  refuses("too many extended attributes");
}

/* Deterministic: the same bytes are wrong on every machine. */
static void survives_mutations(void) {
  static struct archive copy;
  struct error err;
  add("pax", 'x', "20 mtime=-1.2500000\n25 SCHILY.xattr.user.a=b\n9 path=a\n", 54);
  add("f", '0', "content", 7);
  add("././@LongLink", 'K', "target", 7);
  add("link", '2', "", 0);
  add_end();
  uint64_t state = 42;
  int accepted = 0;
  for (int round = 0; round < 20000; round++) {
    memcpy(copy.bytes, archive.bytes, archive.size);
    for (int change = 0; change < 4; change++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      copy.bytes[(state >> 33) % archive.size] = (unsigned char)(state >> 24);
    }
    accepted += read_all(copy.bytes, (size_t)(state >> 40) % archive.size, &err) >= 0;
  }
  archive.size = 0;
  CHECK(accepted < 20000);
}

static void reads_what_was_written(void) {
  struct error err = {0};
  int fd = memfd_create("written", MFD_CLOEXEC);
  char name[201];
  memset(name, 'd', 200);
  name[200] = '\0';
  struct stat status = {.st_mode = S_IFLNK | 0777,
                        .st_uid = 3000000,
                        .st_gid = 5,
                        .st_mtim = {.tv_sec = -2, .tv_nsec = 750000000}};
  struct tar_item item = {.name = name, .link = name, .status = &status, .xattrs_from = -1};
  struct tar_writer writer;
  CHECK(tar_writer_open(&writer, fd, &err) == 0);
  CHECK(tar_writer_item(&writer, &item, &err) == 0);
  CHECK(tar_writer_finish(&writer, &err) == 0);
  tar_writer_close(&writer);
  archive.size = (size_t)lseek(fd, 0, SEEK_CUR);
  CHECK(pread(fd, archive.bytes, archive.size, 0) == (ssize_t)archive.size);
  close(fd);
  CHECK(read_archive(&err) == 1);
  CHECK_EQUAL(entry.name, name);
  CHECK_EQUAL(entry.link, name);
  CHECK(entry.type == '2' && entry.uid == 3000000 && entry.gid == 5);
  CHECK(entry.mtime.tv_sec == -2 && entry.mtime.tv_nsec == 750000000);
}

static void cleans_names(void) {
  static const char *const cases[][2] = {
      {"./a//b/", "a/b"}, {"/a/./b", "a/b"},    {"a/../b", "b"},       {".", ""},
      {"/", ""},          {"a/b/../../c", "c"}, {"..a/b..", "..a/b.."}};
  static const char *const bad[] = {"..", "../a", "/..", "a/../..", "a/../../b"};
  char out[PATH_MAX];
  struct error err = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CHECK(rooted_clean(cases[i][0], out, &err) == 0);
    CHECK_EQUAL(out, cases[i][1]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(rooted_clean(bad[i], out, &err) == -1);
  static char deep[3000];
  for (size_t i = 0; i + 1 < sizeof deep; i++)
    deep[i] = i % 2 ? '/' : 'd';
  CHECK(rooted_clean(deep, out, &err) == -1);
}

const struct test_case tar_tests[] = {
    {"a tar reader reads files, directories and prefixes", reads_plain_entries},
    {"a tar reader reads GNU and PAX long names", reads_long_names},
    {"a tar reader reads PAX times, owners, sizes and attributes", reads_extended_values},
    {"sparse files are read with their holes", reads_sparse_files},
    {"a sparse file whose map lies is refused", refuses_sparse_maps_that_lie},
    {"a tar reader reads base-256 numbers within range", reads_base_256},
    {"a damaged or cut archive is refused", refuses_damage},
    {"a malformed PAX record is refused", refuses_bad_records},
    {"what is over a bound is refused", refuses_what_is_out_of_bounds},
    {"too many extended attributes are refused", refuses_too_many_attributes},
    {"no mutation of an archive makes the reader misbehave", survives_mutations},
    {"the reader understands what the writer writes", reads_what_was_written},
    {"an entry's name is cleaned and cannot climb", cleans_names},
    {0},
};
