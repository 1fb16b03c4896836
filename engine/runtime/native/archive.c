#include "archive.h"

int archive_fail(const struct error *err) {
  const char *name = error_name(err->number);
  fprintf(stderr, "%s %s\n", *name ? name : "-", err->message);
  return 1;
}

void archive_json_string(FILE *out, const char *text) {
  fputc('"', out);
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if (*c == '"' || *c == '\\')
      fprintf(out, "\\%c", *c);
    else if (*c < 0x20)
      fprintf(out, "\\u%04x", *c);
    else
      fputc(*c, out);
  }
  fputc('"', out);
}
