#include "user_namespace.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

static int is_child = UNKNOWN, keeps_groups = UNKNOWN;

void user_namespace_entered(void) {
  is_child = keeps_groups = UNKNOWN;
}

bool user_namespace_is_child(void) {
  if (is_child == UNKNOWN)
    is_child = read_is_child();
  return is_child;
}

static bool read_keeps_groups(void) {
  char answer[8] = "";
  FILE *file = fopen("/proc/self/setgroups", "re");
  if (!file)
    return false;
  bool read = fscanf(file, "%7s", answer) == 1;
  fclose(file);
  return read && strcmp(answer, "deny") == 0;
}

bool user_namespace_keeps_groups(void) {
  if (keeps_groups == UNKNOWN)
    keeps_groups = read_keeps_groups();
  return keeps_groups;
}

const char *user_namespace_opaque_xattr(void) {
  return user_namespace_is_child() ? "user.overlay.opaque" : "trusted.overlay.opaque";
}
