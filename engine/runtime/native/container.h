/* The processes of a container up to their execve: PID 1 and execs. */
#ifndef GANTRY_CONTAINER_H
#define GANTRY_CONTAINER_H

#include <sys/types.h>

#include "plan.h"
#include "rootfs.h"

/* Messages on the sync socket (SOCK_SEQPACKET) between the supervisor and a process that is being
 * set up. */
enum sync_kind {
  SYNC_NETWORK = 'n',
  SYNC_START = 's',
  SYNC_READY = 'r',
  SYNC_FAILED = 'f',
  SYNC_MAP = 'm',   /* to it: its user namespace is mapped */
  SYNC_HOOKS = 'h', /* from it: the root is built; to it, with its pid: the hooks ran */
};

struct sync_message {
  char kind;
  struct error err; /* with SYNC_FAILED */
  pid_t pid;        /* with SYNC_HOOKS, to the process */
};

/*
 * What is left of its creator to PID 1 of an OCI container, which waits long after the creator has
 * gone: two FIFOs, both open for reading and writing.
 */
struct child_gate {
  int start;   /* a byte on it means SYNC_START */
  int started; /* its end, without a struct error first, means that the execve succeeded */
  int result;  /* the creator's own, to be closed */
};

/* The new process' ends. */
struct child_io {
  int stdio[3];
  int sync;
  const struct child_gate *gate; /* NULL: the creator stays */
};

/*
 * Forks PID 1 into its namespaces. It sets everything up (SYNC_NETWORK tells it that its links
 * exist), reports SYNC_READY, waits for SYNC_START and executes; the sync socket's end then means
 * success. Returns its pid.
 */
pid_t container_fork(const struct container_plan *plan, const struct rootfs_sources *sources,
                     const struct child_io *io, int *pidfd, struct error *err);

/* The container's PID 1, by which its namespaces are entered. */
struct container_main {
  pid_t pid;
  int pidfd;
};

/*
 * Forks a process into the namespaces of the container's PID 1; it executes at once. The caller's
 * children are from then on born in the container's pid namespace.
 */
pid_t container_fork_exec(const struct container_plan *plan, const struct exec_plan *exec,
                          const struct container_main *main, const struct child_io *io,
                          struct error *err);

/* Maps the user namespace that container_fork made, and lets its process go on. */
int container_map_users(const struct plan_oci *oci, pid_t pid, int sync, struct error *err);

/*
 * The kernel's OOM killer shall take the container before its supervisor. For the supervisor, after
 * PID 1 is forked; execs start from what it had before.
 */
void container_protect_supervisor(void);

#endif
