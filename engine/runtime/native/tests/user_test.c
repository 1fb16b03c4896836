#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "user.h"

static const char PASSWD[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "# comment:x:1:1::/:\n"
                             "alice:x:1000:1001:Alice:/home/alice:/bin/sh\n"
                             "1001:x:0:0:a trap:/trap:/bin/sh\n"
                             "huge:x:4294967296:0::/:\n"
                             "minus:x:-1:0::/:\n"
                             "short:x:7\n"
                             "nohome:x:1002:1002::\n";
static const char GROUP[] = "root:x:0:root\n"
                            "staff:x:50:bob,alice\n"
                            "audio:x:63:alice,carol\n"
                            "60:x:99:\n";

static char directory[] = "/tmp/gantry-user-XXXXXX";
static int root = -1;

static void write_text(const char *path, const char *text) {
  int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}

static void open_root(void) {
  strcpy(directory, "/tmp/gantry-user-XXXXXX");
  CHECK(mkdtemp(directory) != NULL);
  root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  CHECK(mkdirat(root, "etc", 0700) == 0);
  write_text("etc/passwd", PASSWD);
  write_text("etc/group", GROUP);
}

static void close_root(void) {
  unlinkat(root, "etc/passwd", 0);
  unlinkat(root, "etc/group", 0);
  unlinkat(root, "etc", AT_REMOVEDIR);
  close(root);
  rmdir(directory);
}

static struct user expect_user(const char *spec, uid_t uid, gid_t gid, const char *home) {
  static const struct plan_strings none = {0};
  struct user user;
  struct error err = {0};
  if (user_resolve(root, spec, &none, &user, &err) < 0)
    test_fail(__FILE__, __LINE__, "\"%s\": %s", spec, err.message);
  if (user.uid != uid || user.gid != gid || strcmp(user.home, home) != 0)
    test_fail(__FILE__, __LINE__, "\"%s\" is %u:%u with home %s", spec, user.uid, user.gid,
              user.home);
  return user;
}

static void expect_error(const char *spec, const char *message) {
  static const struct plan_strings none = {0};
  struct user user;
  struct error err = {0};
  CHECK(user_resolve(root, spec, &none, &user, &err) < 0);
  CHECK_EQUAL(err.message, message);
  CHECK_EQUAL(err.stage, "user");
}

static void resolves_names_and_numbers(void) {
  open_root();
  expect_user("", 0, 0, "/root");
  expect_user("alice", 1000, 1001, "/home/alice");
  expect_user("1000", 1000, 1001, "/home/alice");
  expect_user("alice:staff", 1000, 50, "/home/alice");
  expect_user("1000:77", 1000, 77, "/home/alice");
  expect_user("5000", 5000, 0, "/");
  expect_user("nohome", 1002, 1002, "/");
  expect_user(":staff", 0, 50, "/root");
  close_root();
}

static void never_looks_a_number_up_as_a_name(void) {
  open_root();
  expect_user("1001", 1001, 0, "/");
  expect_user("1000:60", 1000, 60, "/home/alice");
  close_root();
}

static void collects_groups(void) {
  open_root();
  struct user alice = expect_user("alice", 1000, 1001, "/home/alice");
  CHECK(alice.group_count == 3 && alice.groups[0] == 1001 && alice.groups[1] == 50 &&
        alice.groups[2] == 63);
  struct user explicit_group = expect_user("alice:staff", 1000, 50, "/home/alice");
  CHECK(explicit_group.group_count == 1 && explicit_group.groups[0] == 50);
  const char *wanted[] = {"audio", "4242", "50"};
  const struct plan_strings additional = {wanted, 3};
  struct user user;
  struct error err = {0};
  CHECK(user_resolve(root, "1000:50", &additional, &user, &err) == 0);
  CHECK(user.group_count == 3 && user.groups[1] == 63 && user.groups[2] == 4242);
  close_root();
}

static void explains_what_is_missing(void) {
  open_root();
  expect_error("bob", "unable to find user bob: no matching entries in passwd file");
  expect_error("short", "unable to find user short: no matching entries in passwd file");
  expect_error("huge", "unable to find user huge: no matching entries in passwd file");
  expect_error("minus", "unable to find user minus: no matching entries in passwd file");
  expect_error("0x0", "unable to find user 0x0: no matching entries in passwd file");
  expect_error("alice:crew", "unable to find group crew: no matching entries in group file");
  expect_error("2147483648", "uids and gids must be in range 0-2147483647");
  expect_error("99999999999999999999", "uids and gids must be in range 0-2147483647");
  expect_error("-1", "uids and gids must be in range 0-2147483647");
  expect_error("1:-1", "uids and gids must be in range 0-2147483647");
  expect_error("1:4294967296", "uids and gids must be in range 0-2147483647");
  close_root();
}

static void works_without_the_files(void) {
  open_root();
  unlinkat(root, "etc/passwd", 0);
  unlinkat(root, "etc/group", 0);
  expect_user("", 0, 0, "/");
  expect_user("7:8", 7, 8, "/");
  expect_error("root", "unable to find user root: no matching entries in passwd file");
  close_root();
}

static void reads_only_regular_files(void) {
  open_root();
  unlinkat(root, "etc/passwd", 0);
  CHECK(mkfifoat(root, "etc/passwd", 0600) == 0);
  expect_error("alice", "/etc/passwd is not a regular file of sane size: invalid argument");
  unlinkat(root, "etc/passwd", 0);
  /* Resolved inside the root: the host's file is not reachable. */
  CHECK(symlinkat("../../../../../../etc/hostname", root, "etc/passwd") == 0);
  expect_error("alice", "unable to find user alice: no matching entries in passwd file");
  close_root();
}

static void skips_overlong_lines(void) {
  open_root();
  static char text[40000];
  memset(text, 'x', sizeof text);
  strcpy(text + 30000, "\nalice:x:12:13::/a:\n");
  /* The end of the long line must not pass for a line of its own. */
  memcpy(text + 8191, "alice:x:0:0::/evil:", 19);
  write_text("etc/passwd", text);
  expect_user("alice", 12, 13, "/a");
  close_root();
}

const struct test_case user_tests[] = {
    {"names and numbers give uid, gid and home", resolves_names_and_numbers},
    {"a number is never looked up as a name", never_looks_a_number_up_as_a_name},
    {"groups are the primary one, the memberships, the additional ones", collects_groups},
    {"missing users and groups and ids out of range are told in Docker's words",
     explains_what_is_missing},
    {"an image without passwd and group files has numbers only", works_without_the_files},
    {"only regular files inside the root are read", reads_only_regular_files},
    {"an overlong line is skipped as a whole", skips_overlong_lines},
    {0},
};
