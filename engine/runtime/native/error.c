#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

int error_set(struct error *err, int number, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(err->message, sizeof err->message, format, arguments);
  va_end(arguments);
  err->number = number;
  if (number == 0 || length < 0 || (size_t)length >= sizeof err->message)
    return -1;
  char *cause = err->message + length;
  snprintf(cause, sizeof err->message - (size_t)length, ": %s", strerror(number));
  /* strerror starts with a capital; Go, whose messages clients know, does not. */
  if (cause[0] && !isupper((unsigned char)cause[3]))
    cause[2] = (char)tolower((unsigned char)cause[2]);
  return -1;
}

int error_wrap(struct error *err, const char *format, ...) {
  char cause[sizeof err->message];
  memcpy(cause, err->message, sizeof cause);
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(err->message, sizeof err->message, format, arguments);
  va_end(arguments);
  if (length >= 0 && (size_t)length < sizeof err->message)
    snprintf(err->message + length, sizeof err->message - (size_t)length, ": %s", cause);
  return -1;
}

int error_stage(struct error *err, const char *stage) {
  if (err->stage[0] == '\0')
    snprintf(err->stage, sizeof err->stage, "%s", stage);
  return -1;
}

const char *error_name(int number) {
  const char *name = number > 0 ? strerrorname_np(number) : NULL;
  return name ? name : "";
}
