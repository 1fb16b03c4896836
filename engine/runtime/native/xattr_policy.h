/* Which extended attributes a layer may bring. */
#ifndef GANTRY_XATTR_POLICY_H
#define GANTRY_XATTR_POLICY_H

#include <stdbool.h>
#include <string.h>

/*
 * SECURITY: overlay's own attributes would let a layer redirect lookups or show files of others; of
 * security.* only file capabilities travel in images.
 */
static inline bool xattr_allowed(const char *name) {
  if (strncmp(name, "security.", 9) == 0)
    return strcmp(name, "security.capability") == 0;
  return strncmp(name, "trusted.overlay.", 16) != 0 && strncmp(name, "user.overlay.", 13) != 0;
}

#endif
