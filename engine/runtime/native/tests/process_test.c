#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"
#include "test.h"

static char directory[32];

static void make_file(const char *name, mode_t mode) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, "we");
  CHECK(file != NULL);
  fclose(file);
  chmod(path, mode);
}

static void open_directory(void) {
  char path[128];
  strcpy(directory, "/tmp/gantry-path-XXXXXX");
  CHECK(mkdtemp(directory) != NULL);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/%s", directory, i ? "b" : "a");
    mkdir(path, 0700);
  }
  make_file("a/plain", 0600);
  make_file("b/plain", 0700);
  make_file("b/tool", 0700);
  snprintf(path, sizeof path, "%s/a/tool", directory);
  mkdir(path, 0700);
}

static void close_directory(void) {
  static const char *const names[] = {"a/plain", "b/plain", "b/tool", "a/tool", "a", "b", ""};
  char path[128];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    if (unlink(path) < 0)
      rmdir(path);
  }
}

static void finds_the_first_executable_file(void) {
  open_directory();
  char variable[128], expected[128], path[PATH_MAX];
  struct error err = {0};
  snprintf(variable, sizeof variable, "PATH=%s/a:%s/none:%s/b", directory, directory, directory);
  const char *entries[] = {"PATH=/wrong", variable};
  const struct plan_strings env = {entries, 2};
  CHECK(process_find("tool", &env, path, &err) == 0);
  snprintf(expected, sizeof expected, "%s/b/tool", directory);
  CHECK_EQUAL(path, expected);
  CHECK(process_find("plain", &env, path, &err) == 0);
  snprintf(expected, sizeof expected, "%s/b/plain", directory);
  CHECK_EQUAL(path, expected);
  close_directory();
}

static void expect_refusal(const char *name, int number, const char *message) {
  const char *entries[] = {"PATH=/nonexistent"};
  const struct plan_strings env = {entries, 1};
  char path[PATH_MAX];
  struct error err = {0};
  CHECK(process_find(name, &env, path, &err) < 0);
  CHECK(err.number == number);
  CHECK_EQUAL(err.message, message);
}

static void explains_like_go(void) {
  expect_refusal("foo", ENOENT, "exec: \"foo\": executable file not found in $PATH");
  expect_refusal("", ENOENT, "exec: \"\": executable file not found in $PATH");
  expect_refusal("/no/foo", ENOENT, "exec: \"/no/foo\": stat /no/foo: no such file or directory");
  expect_refusal("/etc", EISDIR, "exec: \"/etc\": is a directory");
  expect_refusal("/etc/passwd", EACCES, "exec: \"/etc/passwd\": permission denied");
}

static void needs_a_path(void) {
  const struct plan_strings none = {0};
  char path[PATH_MAX];
  struct error err = {0};
  CHECK(process_find("sh", &none, path, &err) < 0);
}

const struct test_case process_tests[] = {
    {"PATH is the environment's last one; directories and plain files in it are passed over",
     finds_the_first_executable_file},
    {"what cannot be executed is explained in Go's words", explains_like_go},
    {"without PATH nothing is found by name", needs_a_path},
    {0},
};
