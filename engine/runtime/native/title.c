#include <string.h>
#include <sys/prctl.h>

#include "title.h"

static char *line;
static size_t room;

void title_open(char *first, const char *last) {
  line = first;
  room = (size_t)(last - first) + strlen(last);
}

void title_set(const char *name) {
  prctl(PR_SET_NAME, name);
  if (line)
    strncpy(line, name, room); /* pads with NUL to the end */
}
