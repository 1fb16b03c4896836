/* Docker's user syntax resolved against the container's own /etc/passwd and /etc/group. */
#ifndef GANTRY_USER_H
#define GANTRY_USER_H

#include <stddef.h>
#include <sys/types.h>

#include "plan.h"

enum { USER_MAX_GROUPS = 256 };

struct user {
  uid_t uid;
  gid_t gid;
  gid_t groups[USER_MAX_GROUPS]; /* the primary one first (SECURITY: 2023-25173) */
  size_t group_count;
  char home[256];
};

/*
 * `root`: directory descriptor of the container's root. `spec`: "", "name", "uid", "name:group",
 * "uid:gid". A decimal is never looked up as a name (SECURITY: 2026-30892, 2026-46680), but its
 * passwd entry gives gid and home.
 */
int user_resolve(int root, const char *spec, const struct plan_strings *additional,
                 struct user *user, struct error *err);

#endif
