/* The life of the container's resolver, as its supervisor sees it. */
#ifndef GANTRY_NAME_SERVER_H
#define GANTRY_NAME_SERVER_H

#include <sys/types.h>

#include "plan.h"

/* Starts it in the namespace behind `pidfd`, unless it runs or the plan has none. Takes the plan,
 * which must be of static life or `owner`'s, whose memory it then keeps. */
int name_server_start(const struct plan_resolver *plan, struct plan *owner, int pidfd,
                      struct error *err);

/* A child died: when it was the resolver, another one is forked, but not for ever in a row. */
void name_server_reaped(pid_t pid, int pidfd);

/* Before anything else when the container ends: it holds the network namespace. */
void name_server_stop(void);

#endif
