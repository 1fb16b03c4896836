/* The cgroup part of a plan: which files exist and what goes into them was decided in TypeScript.
 */
#ifndef GANTRY_CGROUP_H
#define GANTRY_CGROUP_H

#include <sys/types.h>

#include "plan.h"

/* Makes the directories, writes the values, attaches the v2 device program. */
int cgroup_create(const struct plan_cgroup *plan, struct error *err);

/*
 * Moves the calling process, which has one thread, into every hierarchy of the plan but `born_in`
 * (an entry of plan->join, or NULL).
 */
int cgroup_join(const struct plan_cgroup *plan, const char *born_in, struct error *err);

/* The v2 directory of the plan for CLONE_INTO_CGROUP and which entry that is, or -1 and NULL. */
int cgroup_open_unified(const struct plan_cgroup *plan, const char **joined);

/*
 * The v2 cgroup that a process of the container is in, below the plan's own: where that one hands
 * controllers down, it may hold no process itself (cgroup-v2.rst, no internal processes). -1 when
 * there is none.
 */
int cgroup_open_unified_of(const struct plan_cgroup *plan, pid_t pid);

/* SIGKILL to every process inside; they may still be dying when it returns. */
void cgroup_kill(const struct plan_cgroup *plan);

/* OOM kills counted so far, 0 when the host does not tell. */
unsigned long cgroup_oom_kills(const struct plan_cgroup *plan);

/*
 * A descriptor to poll for `interest` (epoll) that tells of processes killed for want of memory, or
 * -1 where the host does not tell. On v1 an eventfd, on v2 memory.events itself.
 */
int cgroup_watch_oom(const struct plan_cgroup *plan, uint32_t *interest);

/* Takes what the descriptor had to say, so that it is silent until the next time. */
void cgroup_drain_oom(int fd);

/* Removes the directories that were joined; shared parents stay. `reap` collects children that die
 * meanwhile. */
void cgroup_remove(const struct plan_cgroup *plan, void (*reap)(void));

#endif
