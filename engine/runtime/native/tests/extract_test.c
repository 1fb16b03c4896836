/* The extractor under hostile archives, below a directory beside one that must never change. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "extract.h"
#include "rooted.h"
#include "tar_builder.h"
#include "test.h"

/* `work/in` is unpacked into; `work/out` holds one file that nobody may touch. */
static char work[] = "/tmp/gantry-extract-XXXXXX";
static int work_fd = -1;

static void set_up(void) {
  strcpy(work + strlen(work) - 6, "XXXXXX");
  if (!mkdtemp(work) || (work_fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
      mkdirat(work_fd, "in", 0755) < 0 || mkdirat(work_fd, "out", 0755) < 0)
    abort();
  autoclose int file = openat(work_fd, "out/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (write(file, "safe", 4) != 4)
    abort();
}

static bool outside_is_untouched(void) {
  char content[8] = "";
  struct stat status;
  autoclose int file = openat(work_fd, "out/file", O_RDONLY | O_CLOEXEC);
  return file >= 0 && fstat(file, &status) == 0 && (status.st_mode & 07777) == 0600 &&
         status.st_nlink == 1 && read(file, content, sizeof content) == 4 &&
         strcmp(content, "safe") == 0 && faccessat(work_fd, "out/new", F_OK, 0) < 0;
}

static void tear_down(void) {
  struct error err = {0};
  autoclose int parent = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
  close_fd(&work_fd);
  CHECK(rooted_remove(parent, work + strlen("/tmp/"), &err) == 0);
  CHECK_EQUAL(err.message, "");
}

static int extract_bytes(const void *bytes, size_t size, struct error *err) {
  const struct extract_options options = {.layer = true, .root = -1};
  struct extract_summary summary;
  autoclose int input = open_bytes(bytes, size);
  autoclose int base = openat(work_fd, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  *err = (struct error){0};
  return extract_archive(input, base, &options, &summary, err);
}

static int extract(struct error *err) {
  add_end();
  int result = extract_bytes(archive.bytes, archive.size, err);
  archive.size = 0;
  return result;
}

static void check_content(const char *path, const char *expected) {
  char content[64] = "";
  autoclose int file = openat(work_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0 || read(file, content, sizeof content - 1) < 0)
    test_fail(__FILE__, __LINE__, "%s cannot be read", path);
  CHECK_EQUAL(content, expected);
}

static void makes_what_the_archive_says(void) {
  struct error err;
  set_up();
  add("made/by/name", '0', "one", 3);
  add_link("lib", '2', "made");
  add("lib/inside", '0', "two", 3);
  add_link("hard", '1', "/made/by/name");
  add("hard2", '5', "", 0);
  add("hard2", '0', "three", 5);
  CHECK(extract(&err) == 0);
  CHECK_EQUAL(err.message, "");
  check_content("in/made/by/name", "one");
  check_content("in/made/inside", "two");
  check_content("in/hard", "one");
  check_content("in/hard2", "three");
  tear_down();
}

static void refuses_to_leave(void) {
  static const struct {
    const char *link, *name;
    char type;
    const char *target;
  } cases[] = {
      {NULL, "../out/new", '0', ""},   {NULL, "a/../../out/file", '0', ""},
      {"../out", "l/new", '0', ""},    {"../out", "l/file", '5', ""},
      {"/tmp", "l/new", '0', ""},      {".", "l/../../out/new", '0', ""},
      {NULL, "h", '1', "../out/file"}, {"../out", "h", '1', "l/file"},
      {"../out/file", "l/x", '0', ""}, {"nowhere", "l/new", '0', ""},
      {"l", "l/new", '0', ""},         {NULL, "d/.wh...", '0', ""},
      {NULL, "d/.wh..", '0', ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct error err;
    set_up();
    if (cases[i].link)
      add_link("l", '2', cases[i].link);
    add_link(cases[i].name, cases[i].type, cases[i].target);
    if (extract(&err) == 0)
      test_fail(__FILE__, __LINE__, "%s was accepted", cases[i].name);
    CHECK(outside_is_untouched());
    tear_down();
  }
}

static void replaces_links_instead_of_following(void) {
  struct error err;
  set_up();
  add_link("l", '2', "../out/file");
  add("l", '0', "own", 3);
  add_link("d", '2', "../out");
  add("d", '5', "", 0);
  add("d/new", '0', "own", 3);
  CHECK(extract(&err) == 0);
  check_content("in/l", "own");
  check_content("in/d/new", "own");
  CHECK(outside_is_untouched());
  tear_down();
}

/* Every mutation is some archive; none may reach the directory beside. */
static void no_mutation_escapes(void) {
  static struct archive copy;
  add("d", '5', "", 0);
  add_link("l", '2', "../out");
  add("d/f", '0', "content", 7);
  add_link("h", '1', "d/f");
  add("././@LongLink", 'L', "l/new", 5);
  add("x", '0', "y", 1);
  add("d/.wh.f", '0', "", 0);
  add_end();
  uint64_t state = 7;
  for (int round = 0; round < 300; round++) {
    struct error err;
    set_up();
    memcpy(copy.bytes, archive.bytes, archive.size);
    for (int change = 0; change < 3; change++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      /* Names, types and links; the checksum is put right, or nothing would get past it. */
      size_t place = (state >> 33) % (archive.size / 512) * 512;
      size_t offset = (state >> 20) % 3 == 0   ? 156
                      : (state >> 20) % 3 == 1 ? (state >> 50) % 8
                                               : 157 + (state >> 50) % 8;
      static const char letters[] = "../dlhf0125xLK\0";
      copy.bytes[place + offset] = (unsigned char)letters[(state >> 8) % sizeof letters];
      if (copy.bytes[place + 257] == 'u') {
        unsigned sum = 0;
        memset(copy.bytes + place + 148, ' ', 8);
        for (int i = 0; i < 512; i++)
          sum += copy.bytes[place + i];
        snprintf((char *)copy.bytes + place + 148, 8, "%06o", sum);
      }
    }
    extract_bytes(copy.bytes, archive.size, &err);
    CHECK(outside_is_untouched());
    tear_down();
  }
  archive.size = 0;
}

static void removes_deep_trees(void) {
  set_up();
  autoclose int at = openat(work_fd, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int depth = 0; depth < 2000; depth++) {
    if (mkdirat(at, "d", 0755) < 0)
      abort();
    int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close_fd(&at);
    at = next;
  }
  if (symlinkat("/tmp", at, "link") < 0)
    abort();
  tear_down();
  CHECK(access(work, F_OK) < 0);
}

const struct test_case extract_tests[] = {
    {"an archive becomes files, directories and links", makes_what_the_archive_says},
    {"an archive that leaves its directory is refused", refuses_to_leave},
    {"an entry replaces a link instead of following it", replaces_links_instead_of_following},
    {"no mutation of an archive reaches a file outside", no_mutation_escapes},
    {"a tree deeper than any path can name is removed", removes_deep_trees},
    {0},
};
