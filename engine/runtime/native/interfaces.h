/* A container's interfaces by raw rtnetlink. The stop path never deletes links (20-34 ms each):
 * they go with their namespace. */
#ifndef GANTRY_INTERFACES_H
#define GANTRY_INTERFACES_H

#include <sys/types.h>

#include "plan.h"

/* On the host: a veth's one end in its bridge and up, the other, or a link on top of a parent, in
 * the namespace of `pid`. */
int interfaces_create(const struct plan_interfaces *interfaces, pid_t pid, struct error *err);

/* In this namespace; a link that is gone already is no error. */
int interfaces_delete(const char *name, struct error *err);

/* Inside the namespace: loopback up, addresses, links up, default routes. */
int interfaces_configure(const struct plan_interfaces *interfaces, struct error *err);

/* Default routes inside the namespace. What the container itself removed is not missed. */
int interfaces_add_routes(const struct plan_routes *routes, struct error *err);
void interfaces_drop_routes(const struct plan_routes *routes);

#endif
