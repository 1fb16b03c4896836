/*
 * Containers that an OCI runtime's command line makes (runc, crun): the plan's `external`. The shim
 * prepares what the runtime finds, calls it once per step, and stays the parent of PID 1.
 */
#ifndef GANTRY_EXTERNAL_H
#define GANTRY_EXTERNAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "plan.h"
#include "rootfs.h"

static inline bool external_is_used(const struct container_plan *plan) {
  return plan->external.command.count > 0;
}

/*
 * Moves the calling process into a mount namespace of its own, in which the bundle is put together
 * below <run-directory>/staging. Nothing of it is seen by the host, all of it goes with the
 * process.
 */
int external_stage(const struct container_plan *plan, struct rootfs_sources *sources,
                   struct error *err);

/* One process that the runtime starts: PID 1 or an exec. */
struct external_start {
  const char *id; /* of the exec; "": PID 1 */
  const struct plan_process *process;
  const char *head, *tail; /* the runtime's JSON around the user */
  pid_t main;              /* PID 1, of an exec's container */
  int console;             /* listening socket for the terminal's master, or -1 */
};

/*
 * Writes the files and starts `create` or `exec`, whose stdio becomes the process'. Returns the
 * command's pid; once it ended with success, external_take tells the rest.
 */
pid_t external_begin(const struct container_plan *plan, int run_directory,
                     struct external_start *start, const int stdio[3], struct error *err);

/* The new process, and the terminal's master in *terminal (else -1). Frees what begin made. */
int external_take(const struct container_plan *plan, int run_directory,
                  struct external_start *start, int status, pid_t *pid, int *terminal,
                  struct error *err);

/* `start` and `delete --force`, waited for. */
int external_run(const struct container_plan *plan, const char *command, struct error *err);

#endif
