/* Runs every suite and ends with `N passed, N failed`; the status is non-zero when anything failed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

extern const struct test_case error_tests[];
extern const struct test_case plan_tests[];
extern const struct test_case log_tests[];
extern const struct test_case user_tests[];
extern const struct test_case process_tests[];
extern const struct test_case frame_tests[];
extern const struct test_case resolve_tests[];
extern const struct test_case tar_tests[];
extern const struct test_case extract_tests[];
extern const struct test_case layer_tests[];
extern const struct test_case standard_streams_tests[];
extern const struct test_case dns_tests[];

static const struct test_case *const suites[] = {
    error_tests,   plan_tests, log_tests,     user_tests, process_tests, frame_tests,
    resolve_tests, tar_tests,  extract_tests, dns_tests,  layer_tests,   standard_streams_tests,
};

static bool failed;

void test_fail(const char *file, int line, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("  %s:%d: ", file, line);
  vprintf(format, arguments);
  printf("\n");
  va_end(arguments);
  failed = true;
}

void test_equal(const char *file, int line, const char *actual, const char *expected) {
  if (!actual || !expected || strcmp(actual, expected) != 0)
    test_fail(file, line, "got \"%s\", expected \"%s\"", actual ? actual : "(null)",
              expected ? expected : "(null)");
}

int main(void) {
  int passes = 0, failures = 0;
  for (size_t suite = 0; suite < sizeof suites / sizeof *suites; suite++) {
    for (const struct test_case *test = suites[suite]; test->name; test++) {
      failed = false;
      test->run();
      printf("%s %s\n", failed ? "FAIL" : "ok  ", test->name);
      if (failed)
        failures++;
      else
        passes++;
    }
  }
  printf("%d passed, %d failed\n", passes, failures);
  return failures == 0 ? 0 : 1;
}
