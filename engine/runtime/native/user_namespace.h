#ifndef GANTRY_USER_NAMESPACE_H
#define GANTRY_USER_NAMESPACE_H

#include <stdbool.h>

/*
 * Whether this process is in a user namespace below the host's (an engine of an ordinary user),
 * where no device node can be made and overlay keeps its marks in user.* attributes. Asked once;
 * forks inherit the answer.
 */
bool user_namespace_is_child(void);

/* This process has just become a member of another one: the answers are new. */
void user_namespace_entered(void);

/* Whether supplementary groups can be neither set nor dropped: the price of a namespace that an
 * ordinary user made without newgidmap (user_namespaces(7), /proc/PID/setgroups). Asked once, too.
 */
bool user_namespace_keeps_groups(void);

/* Overlay's mark of a directory that hides what is below it. */
const char *user_namespace_opaque_xattr(void);

#endif
