/* The whole test frame: a file defines `const struct test_case x_tests[]` and tests.c lists it. */
#ifndef GANTRY_TEST_H
#define GANTRY_TEST_H

#include <stdbool.h>

struct test_case {
  const char *name; /* a sentence */
  void (*run)(void);
};

/* Records a failure of the running test; it goes on so that one run shows everything. */
void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Compares strings; NULL differs from everything. */
void test_equal(const char *file, int line, const char *actual, const char *expected);

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition))                                                                              \
      test_fail(__FILE__, __LINE__, "%s", #condition);                                             \
  } while (0)
#define CHECK_EQUAL(actual, expected) test_equal(__FILE__, __LINE__, (actual), (expected))

#endif
