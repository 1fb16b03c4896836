#include "user_namespace.h"

#include <stdint.h>
#include <stdio.h>

enum { UNKNOWN = -1 };

/* user_namespaces(7): the initial one alone maps every id to itself. */
static bool read_is_child(void) {
  FILE *map = fopen("/proc/self/uid_map", "re");
  if (!map)
    return false;
  unsigned first, outside, count;
  bool whole = fscanf(map, "%u %u %u", &first, &outside, &count) == 3 && first == 0 &&
               outside == 0 && count == UINT32_MAX;
  fclose(map);
  return !whole;
}

bool user_namespace_is_child(void) {
  static int is_child = UNKNOWN;
  if (is_child == UNKNOWN)
    is_child = read_is_child();
  return is_child;
}

const char *user_namespace_opaque_xattr(void) {
  return user_namespace_is_child() ? "user.overlay.opaque" : "trusted.overlay.opaque";
}
