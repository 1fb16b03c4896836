/* The last steps before execve, the same for PID 1 and for an exec: they run inside the container.
 */
#ifndef GANTRY_PROCESS_H
#define GANTRY_PROCESS_H

#include <limits.h>
#include <stdbool.h>

#include "plan.h"
#include "user.h"

struct process {
  const struct plan_process *plan;
  struct user user;
  const char **env;
  char home[280]; /* HOME=..., when the plan has none */
  char path[PATH_MAX];
  unsigned preserved; /* descriptors from 3 that the program inherits */
};

/* Signals as a fresh process expects them, a session of its own, death with the supervisor. */
void process_detach(void);

/* From now on the processes live on when their parent ends: somebody else's are adopted. */
void process_outlive_parent(void);

/* Connects descriptors to 0, 1, 2; a terminal becomes the controlling one. */
int process_connect(const int stdio[3], bool tty, struct error *err);

/* Raising a hard limit is the host's to allow: before a user namespace is entered. What is set
 * there, within them, is process_prepare's. */
int process_raise_limits(const struct plan_process *plan, struct error *err);

/* So that a program that is not the host's root can reopen /dev/stdout; what is neither pipe nor
 * terminal keeps its owner. */
void process_own_streams(const int stdio[3], uid_t uid);

/* Still as root: limits, keyring (none without a `session`), user, environment. */
int process_prepare(const struct plan_process *plan, const char *session, struct process *process,
                    struct error *err);

/* What an OCI container asks for beyond that. */
int process_adapt(const struct plan_oci *oci, struct process *process, struct error *err);

/* The working directory where the image has none: PID 1's only, an exec must find its own. */
int process_make_directory(const struct plan_process *plan, struct error *err);

/* Credentials, capabilities, working directory, the executable looked up. */
int process_become(struct process *process, struct error *err);

/* Only returns on failure. */
int process_execute(struct process *process, struct error *err);

/*
 * Go's exec.LookPath with the plan's PATH, whose messages Docker's clients know:
 * `exec: "foo": executable file not found in $PATH`.
 */
int process_find(const char *name, const struct plan_strings *env, char path[PATH_MAX],
                 struct error *err);

#endif
