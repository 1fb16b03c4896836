#ifndef GANTRY_USER_NAMESPACE_H
#define GANTRY_USER_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "plan.h"

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

/*
 * The user namespace that the plan asks for, made with its maps or that of the process to join: a
 * descriptor, also for idmapped mounts.
 */
int user_namespace_open(const struct plan_user *plan, struct error *err);

/* Maps the user namespace that a process was born with. */
int user_namespace_map(pid_t pid, const char *uid_map, const char *gid_map, struct error *err);

/* In a child of the supervisor: from here on inside it, with every capability there. */
int user_namespace_enter(int user_namespace, struct error *err);

/* Inside: root of the namespace, so that what is made belongs to it. */
int user_namespace_become_root(struct error *err);

/* Overlay's mark of a directory that hides what is below it. */
const char *user_namespace_opaque_xattr(void);

#endif
