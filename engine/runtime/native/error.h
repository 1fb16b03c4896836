/* One error convention: a function returns 0 (or a value >= 0), or -1 with *err filled. `err` comes
 * last. */
#ifndef GANTRY_ERROR_H
#define GANTRY_ERROR_H

#include <stdarg.h>

struct error {
  int number;        /* errno value, 0 when none applies */
  char stage[32];    /* set-up stage, e.g. "mount" */
  char message[512]; /* lower case, no full stop, names the object */
};

/* Fills *err (first cause wins the number) and returns -1. `number` 0: no errno. */
int error_set(struct error *err, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prefixes the message with context on the way up and returns -1. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Names the stage unless a deeper function already did; returns -1. */
int error_stage(struct error *err, const char *stage);

/* Symbolic name of an errno value ("ENOENT"), or "" when unknown. */
const char *error_name(int number);

#endif
