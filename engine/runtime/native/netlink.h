/* A container's interfaces by raw rtnetlink. Links are never deleted: they go with their namespace.
 */
#ifndef GANTRY_NETLINK_H
#define GANTRY_NETLINK_H

#include <sys/types.h>

#include "plan.h"

/* On the host: one veth pair per interface, one end in its bridge and up, the other in the
 * namespace of `pid`. */
int network_create_links(const struct plan_interfaces *interfaces, pid_t pid, struct error *err);

/* Inside the namespace: loopback up, addresses, links up, default routes. */
int network_configure(const struct plan_interfaces *interfaces, struct error *err);

#endif
