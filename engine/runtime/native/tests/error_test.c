#include <errno.h>
#include <string.h>

#include "error.h"
#include "test.h"

static void names_errno_values(void) {
  CHECK_EQUAL(error_name(ENOENT), "ENOENT");
  CHECK_EQUAL(error_name(EAGAIN), "EAGAIN");
  CHECK_EQUAL(error_name(0), "");
  CHECK_EQUAL(error_name(4242), "");
}

static void keeps_the_first_cause(void) {
  struct error err = {0};
  CHECK(error_set(&err, ENOENT, "open %s", "/x") == -1);
  CHECK_EQUAL(err.message, "open /x: no such file or directory");
  CHECK(error_wrap(&err, "mount %s", "/y") == -1);
  CHECK_EQUAL(err.message, "mount /y: open /x: no such file or directory");
  CHECK(err.number == ENOENT);
  error_stage(&err, "mount");
  error_stage(&err, "rootfs");
  CHECK_EQUAL(err.stage, "mount");
}

static void cuts_what_does_not_fit(void) {
  struct error err = {0};
  char longest[2 * sizeof err.message];
  memset(longest, 'a', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  error_set(&err, EPERM, "%s", longest);
  CHECK(strlen(err.message) == sizeof err.message - 1);
  error_wrap(&err, "%s", longest);
  CHECK(strlen(err.message) == sizeof err.message - 1);
}

const struct test_case error_tests[] = {
    {"an errno value has its symbolic name", names_errno_values},
    {"context is added in front and the deepest stage is kept", keeps_the_first_cause},
    {"an overlong message is cut, not overrun", cuts_what_does_not_fit},
    {0},
};
