#include "network_change.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>

#include "descriptor.h"
#include "interfaces.h"

/*
 * The supervisor visits the container's network namespace itself instead of forking somebody who
 * does: it has one thread, and every socket keeps the namespace that it was made in.
 */
static int enter(int pidfd, int *own, struct error *err) {
  *own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (*own < 0 || setns(pidfd, CLONE_NEWNET) < 0)
    return error_set(err, errno, "enter the network namespace");
  return 0;
}

/* A supervisor that cannot come home would serve the next request in the wrong place. */
static void leave(int *own) {
  if (*own >= 0 && setns(*own, CLONE_NEWNET) < 0)
    abort();
  close_fd(own);
}

#define visit __attribute__((cleanup(leave)))

static int remove_inside(const struct network_plan *plan, int pidfd, struct error *err) {
  visit int own = -1;
  if (enter(pidfd, &own, err) < 0)
    return -1;
  interfaces_drop_routes(&plan->old_routes);
  for (size_t i = 0; i < plan->removed.count; i++) {
    const struct plan_pair *names = &plan->removed.items[i];
    if (names->name[0] == '\0' && interfaces_delete(names->value, err) < 0)
      return -1;
  }
  return 0;
}

/* A veth by its end on the host, which the container cannot rename. */
static int remove_outside(const struct network_plan *plan, struct error *err) {
  for (size_t i = 0; i < plan->removed.count; i++) {
    const struct plan_pair *names = &plan->removed.items[i];
    if (names->name[0] && interfaces_delete(names->name, err) < 0)
      return -1;
  }
  return 0;
}

static int configure_inside(const struct network_plan *plan, int pidfd, struct error *err) {
  visit int own = -1;
  if (enter(pidfd, &own, err) < 0 || interfaces_configure(&plan->added, err) < 0)
    return -1;
  return interfaces_add_routes(&plan->new_routes, err);
}

static void undo(const struct network_plan *plan, int pidfd) {
  struct error ignored = {0};
  for (size_t i = 0; i < plan->added.count; i++) {
    const struct plan_interface *interface = &plan->added.items[i];
    if (interface->host_name[0]) {
      interfaces_delete(interface->host_name, &ignored);
      continue;
    }
    visit int own = -1;
    if (enter(pidfd, &own, &ignored) == 0)
      interfaces_delete(interface->container_name, &ignored);
  }
}

int network_change(const struct network_plan *plan, pid_t pid, int pidfd, struct error *err) {
  if (remove_inside(plan, pidfd, err) < 0 || remove_outside(plan, err) < 0)
    return error_stage(err, "network");
  if (interfaces_create(&plan->added, pid, err) < 0 || configure_inside(plan, pidfd, err) < 0) {
    undo(plan, pidfd);
    return error_stage(err, "network");
  }
  return 0;
}
