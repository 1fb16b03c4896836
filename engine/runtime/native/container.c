#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "container.h"
#include "descriptor.h"
#include "filesystem.h"
#include "hooks.h"
#include "init.h"
#include "interfaces.h"
#include "process.h"
#include "sysctls.h"
#include "user_namespace.h"

enum { PROTECTED_OOM_SCORE = -999 };

/* Of the supervisor, before it was protected. */
static int ordinary_oom_score;
static bool is_protected;

static const int EXEC_NAMESPACES =
    CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWNS;

static _Noreturn void fail(int sync, const struct error *err) {
  struct sync_message message = {.kind = SYNC_FAILED, .err = *err};
  send(sync, &message, sizeof message, MSG_NOSIGNAL);
  _exit(127);
}

/* Blocks for one byte of the supervisor; its end means that the supervisor gave up. */
static void await(int sync, char kind) {
  char byte;
  ssize_t count;
  do {
    count = read(sync, &byte, 1);
  } while (count < 0 && errno == EINTR);
  if (count != 1 || byte != kind)
    _exit(127);
}

/* Whose namespaces are joined, as pidfds: inside a joined pid namespace their numbers mean somebody
 * else. */
struct joins {
  int pid, cgroup, ipc, uts, network, user, time, mount; /* -1: not joined */
  const char *born_in; /* the cgroup that the birth already joined */
};

static int open_join(const struct plan_namespace *source, int *target, struct error *err) {
  if (source->kind == NAMESPACE_JOIN && source->path[0]) {
    *target = open(source->path, O_RDONLY | O_CLOEXEC);
    return *target < 0 ? error_set(err, errno, "open namespace %s", source->path) : 0;
  }
  *target = source->kind == NAMESPACE_JOIN ? pidfd_open((pid_t)source->pid, 0) : -1;
  if (source->kind == NAMESPACE_JOIN && *target < 0)
    return error_set(err, errno, "join a namespace of process %u", source->pid);
  return 0;
}

static void close_joins(struct joins *joins) {
  int *all[] = {&joins->pid,     &joins->cgroup, &joins->ipc,  &joins->uts,
                &joins->network, &joins->user,   &joins->time, &joins->mount};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    close_fd(all[i]);
}

static int open_joins(const struct container_plan *plan, struct joins *joins, struct error *err) {
  const struct plan_namespaces *namespaces = &plan->namespaces;
  const struct plan_oci *oci = plan_oci(plan);
  *joins = (struct joins){-1, -1, -1, -1, -1, -1, -1, -1, NULL};
  if (oci && (open_join(&oci->user, &joins->user, err) < 0 ||
              open_join(&oci->time, &joins->time, err) < 0 ||
              open_join(&oci->mount, &joins->mount, err) < 0))
    return -1;
  if (open_join(&namespaces->pid, &joins->pid, err) < 0 ||
      open_join(&namespaces->cgroup, &joins->cgroup, err) < 0 ||
      open_join(&namespaces->ipc, &joins->ipc, err) < 0 ||
      open_join(&namespaces->uts, &joins->uts, err) < 0 ||
      open_join(&namespaces->network, &joins->network, err) < 0)
    return -1;
  return 0;
}

static int join_namespace(int target, int type, struct error *err) {
  return target >= 0 && setns(target, type) < 0 ? error_set(err, errno, "join a namespace") : 0;
}

static int enter_namespaces(const struct plan_namespaces *namespaces, const struct joins *joins,
                            struct error *err) {
  if (join_namespace(joins->user, CLONE_NEWUSER, err) < 0 ||
      join_namespace(joins->cgroup, CLONE_NEWCGROUP, err) < 0 ||
      join_namespace(joins->ipc, CLONE_NEWIPC, err) < 0 ||
      join_namespace(joins->uts, CLONE_NEWUTS, err) < 0 ||
      join_namespace(joins->network, CLONE_NEWNET, err) < 0 ||
      join_namespace(joins->mount, CLONE_NEWNS, err) < 0)
    return -1;
  /* After the join, so that the container's own cgroup is the root that it sees. */
  if (namespaces->cgroup.kind == NAMESPACE_NEW && unshare(CLONE_NEWCGROUP) < 0)
    return error_set(err, errno, "unshare the cgroup namespace");
  return 0;
}

static int set_names(const struct container_plan *plan, struct error *err) {
  if (plan->namespaces.uts.kind != NAMESPACE_NEW)
    return 0;
  if (plan->hostname[0] && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
    return error_set(err, errno, "set host name %s", plan->hostname);
  if (plan->domainname[0] && setdomainname(plan->domainname, strlen(plan->domainname)) < 0)
    return error_set(err, errno, "set domain name %s", plan->domainname);
  return 0;
}

/* On the host's procfs, before the container's root is entered. */
static int write_oom_score(int score) {
  char value[16];
  int length = snprintf(value, sizeof value, "%d", score);
  autoclose int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  return file >= 0 && write(file, value, (size_t)length) == length ? 0 : -1;
}

static int adjust_oom_score(const struct plan_process *plan, struct error *err) {
  int score = plan->adjust_oom ? plan->oom_score_adj : ordinary_oom_score;
  if ((!plan->adjust_oom && !is_protected) || write_oom_score(score) == 0)
    return 0;
  /* Lowering it is the host's to allow; an ordinary user's containers stay as likely to be chosen
   * as their engine. */
  if (errno == EACCES && user_namespace_is_child())
    return 0;
  error_set(err, errno, "set oom_score_adj to %d", score);
  return error_stage(err, "oom");
}

void container_protect_supervisor(void) {
  FILE *file = fopen("/proc/self/oom_score_adj", "re");
  bool known = file && fscanf(file, "%d", &ordinary_oom_score) == 1;
  if (file)
    fclose(file);
  is_protected = known && write_oom_score(PROTECTED_OOM_SCORE) == 0;
}

/* The host's number of this process, which is told when hooks run. */
static pid_t own_pid;

/* Hooks of the creator, then those that belong into the container's namespaces. */
static int pause_for_hooks(const struct container_plan *plan, const struct child_io *io,
                           struct error *err) {
  struct sync_message message = {.kind = SYNC_HOOKS};
  if (!io->gate)
    return 0;
  send(io->sync, &message, sizeof message, MSG_NOSIGNAL);
  if (recv(io->sync, &message, sizeof message, 0) != sizeof message || message.kind != SYNC_HOOKS)
    _exit(127);
  own_pid = message.pid;
  return hooks_run(&plan_oci(plan)->hooks, HOOK_CREATE_CONTAINER, own_pid, err);
}

/* Until `start`, however long that takes. The creator is gone by then. */
static int await_start(const struct container_plan *plan, const struct child_gate *gate,
                       struct error *err) {
  char byte;
  ssize_t count;
  do {
    count = read(gate->start, &byte, 1);
  } while (count < 0 && errno == EINTR);
  if (count != 1)
    return error_set(err, errno, "wait for the start");
  return hooks_run(&plan_oci(plan)->hooks, HOOK_START_CONTAINER, own_pid, err);
}

static bool has_new_users(const struct container_plan *plan) {
  const struct plan_oci *oci = plan_oci(plan);
  return oci && oci->user.kind == NAMESPACE_NEW;
}

static int prepare(const struct container_plan *plan, const struct plan_process *process_plan,
                   struct process *process, struct error *err) {
  const struct plan_oci *oci = plan_oci(plan);
  bool own_keyring = !oci || !(oci->options & OCI_NO_NEW_KEYRING);
  if (process_prepare(process_plan, own_keyring ? plan->id : NULL, process, err) < 0)
    return -1;
  return oci ? process_adapt(oci, process, err) : 0;
}

static int set_up_container(const struct container_plan *plan, const struct rootfs_sources *sources,
                            const struct child_io *io, const struct joins *joins,
                            struct process *process, struct error *err) {
  if (adjust_oom_score(&plan->process, err) < 0 ||
      cgroup_join(&plan->cgroup, joins->born_in, err) < 0)
    return -1;
  if (has_new_users(plan)) {
    await(io->sync, SYNC_MAP);
    user_namespace_entered();
  }
  if (enter_namespaces(&plan->namespaces, joins, err) < 0 || set_names(plan, err) < 0)
    return error_stage(err, "namespaces");
  if (process_connect(io->stdio, plan->process.tty, err) < 0)
    return error_stage(err, "stdio");
  int console = plan->process.tty ? STDIN_FILENO : -1;
  int root = rootfs_attach(plan, sources, err);
  bool is_mapped = sources->user_namespace >= 0 || has_new_users(plan);
  if (root < 0 || (is_mapped && user_namespace_become_root(err) < 0))
    return -1;
  if (rootfs_build(plan, sources, root, console, err) < 0 || pause_for_hooks(plan, io, err) < 0 ||
      rootfs_enter(plan, root, err) < 0)
    return -1;
  if (plan->interfaces.count > 0)
    await(io->sync, SYNC_NETWORK);
  if (plan->namespaces.network.kind == NAMESPACE_NEW &&
      interfaces_configure(&plan->interfaces, err) < 0)
    return -1;
  if (sysctls_write(&plan->sysctls, err) < 0)
    return error_stage(err, "sysctl");
  if (prepare(plan, &plan->process, process, err) < 0 ||
      process_make_directory(&plan->process, err) < 0 || rootfs_seal(plan, err) < 0)
    return -1;
  return process_become(process, err);
}

static pid_t clone_into(int unified, uint64_t flags, int *pidfd) {
  struct clone_args arguments = {
      .flags = flags | (unified >= 0 ? CLONE_INTO_CGROUP : 0) | (pidfd ? CLONE_PIDFD : 0),
      .pidfd = (uintptr_t)pidfd,
      /* A sibling's signal is that of the caller itself. */
      .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
      .cgroup = unified >= 0 ? (uint64_t)unified : 0,
  };
  return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

/* Forks PID 1 into the plan's v2 cgroup where it has one; *born_in is then the entry that need not
 * be joined. */
static pid_t clone_main(const struct plan_cgroup *cgroup, uint64_t flags, int *pidfd,
                        const char **born_in) {
  autoclose int unified = cgroup_open_unified(cgroup, born_in);
  return clone_into(unified, flags, pidfd);
}

/* The same for an exec, which goes to where PID 1 is when the container divided its cgroup. */
static pid_t clone_exec(const struct plan_cgroup *cgroup, pid_t main, const char **born_in) {
  autoclose int unified = cgroup_open_unified(cgroup, born_in);
  pid_t pid = clone_into(unified, 0, NULL);
  if (pid >= 0 || unified < 0 || errno != EBUSY)
    return pid;
  autoclose int divided = cgroup_open_unified_of(cgroup, main);
  errno = EBUSY;
  return divided < 0 ? -1 : clone_into(divided, 0, NULL);
}

/* From READY on: waits to be let go, and executes. */
static _Noreturn void run_container(const struct container_plan *plan, const struct child_io *io,
                                    struct process *process) {
  struct error err = {0};
  const struct child_gate *gate = io->gate;
  if (!gate) {
    await(io->sync, SYNC_START);
    if (!plan->init || init_fork(&err) == 0)
      process_execute(process, &err);
    fail(io->sync, &err);
  }
  close(io->sync);
  if (await_start(plan, gate, &err) == 0)
    process_execute(process, &err);
  (void)!write(gate->started, &err, sizeof err);
  _exit(127);
}

static _Noreturn void container_main(const struct container_plan *plan,
                                     const struct rootfs_sources *sources,
                                     const struct child_io *io, const struct joins *joins) {
  struct error err = {0};
  struct process process;
  process_detach();
  if (io->gate)
    close(io->gate->result);
  if (set_up_container(plan, sources, io, joins, &process, &err) < 0)
    fail(io->sync, &err);
  struct sync_message ready = {.kind = SYNC_READY};
  send(io->sync, &ready, sizeof ready, MSG_NOSIGNAL);
  run_container(plan, io, &process);
}

/* Its offsets can be set only before anybody is in it (time_namespaces(7)). */
static int enter_time(const struct container_plan *plan, const struct joins *joins,
                      struct error *err) {
  const struct plan_oci *oci = plan_oci(plan);
  if (!oci || oci->time.kind == NAMESPACE_HOST)
    return 0;
  if (oci->time.kind == NAMESPACE_JOIN)
    return join_namespace(joins->time, CLONE_NEWTIME, err);
  if (unshare(CLONE_NEWTIME) < 0)
    return error_set(err, errno, "unshare the time namespace");
  autoclose int offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  size_t size = strlen(oci->time_offsets);
  if (size > 0 && (offsets < 0 || write(offsets, oci->time_offsets, size) != (ssize_t)size))
    return error_set(err, errno, "set the offsets of the time namespace");
  return 0;
}

int container_map_users(const struct plan_oci *oci, pid_t pid, int sync, struct error *err) {
  if (oci->user.kind != NAMESPACE_NEW)
    return 0;
  char go = SYNC_MAP;
  if (user_namespace_map(pid, oci->uid_map, oci->gid_map, err) < 0)
    return -1;
  return send(sync, &go, 1, MSG_NOSIGNAL) == 1 ? 0 : error_set(err, errno, "map users");
}

static uint64_t namespace_flags(const struct container_plan *plan, const struct joins *joins) {
  const struct plan_namespaces *namespaces = &plan->namespaces;
  uint64_t flags = joins->mount < 0 ? CLONE_NEWNS : 0;
  flags |= namespaces->pid.kind == NAMESPACE_NEW ? CLONE_NEWPID : 0;
  flags |= namespaces->network.kind == NAMESPACE_NEW ? CLONE_NEWNET : 0;
  flags |= namespaces->ipc.kind == NAMESPACE_NEW ? CLONE_NEWIPC : 0;
  flags |= namespaces->uts.kind == NAMESPACE_NEW ? CLONE_NEWUTS : 0;
  flags |= has_new_users(plan) ? CLONE_NEWUSER : 0;
  return flags;
}

static pid_t fork_main(const struct container_plan *plan, const struct rootfs_sources *sources,
                       const struct child_io *io, struct joins *joins, uint64_t flags, int *pidfd,
                       struct error *err) {
  /* A process enters another pid namespace only by birth. */
  if (enter_time(plan, joins, err) < 0 || join_namespace(joins->pid, CLONE_NEWPID, err) < 0)
    return error_stage(err, "namespaces");
  pid_t pid =
      clone_main(&plan->cgroup, flags | namespace_flags(plan, joins), pidfd, &joins->born_in);
  if (pid == 0)
    container_main(plan, sources, io, joins);
  if (pid < 0) {
    error_set(err, errno, "clone into new namespaces");
    error_stage(err, "namespaces");
  }
  return pid;
}

/*
 * Namespaces belong to the user namespace that their maker is in, and the supervisor must not enter
 * one: it would never come back. A child enters, and makes PID 1 its own sibling; descriptors are
 * shared, so that the pidfd is the supervisor's, too.
 */
static pid_t fork_main_inside(const struct container_plan *plan,
                              const struct rootfs_sources *sources, const struct child_io *io,
                              struct joins *joins, int *pidfd, struct error *err) {
  struct {
    pid_t pid;
    int pidfd;
    struct error err;
  } result = {.pid = -1, .pidfd = -1};
  int answer[2];
  if (pipe2(answer, O_CLOEXEC) < 0)
    return error_set(err, errno, "pipe");
  autoclose int from = answer[0], to = answer[1];
  process_own_streams(io->stdio, plan->user.root_uid);
  struct clone_args arguments = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
  pid_t helper = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (helper == 0) {
    if (process_raise_limits(&plan->process, &result.err) == 0 &&
        user_namespace_enter(sources->user_namespace, &result.err) == 0)
      result.pid = fork_main(plan, sources, io, joins, CLONE_PARENT, &result.pidfd, &result.err);
    _exit(write(to, &result, sizeof result) == sizeof result ? 0 : 1);
  }
  int status = 0;
  if (helper < 0 || waitpid(helper, &status, 0) < 0)
    return error_set(err, errno, "fork");
  if (status != 0 || read(from, &result, sizeof result) != sizeof result)
    return error_set(err, EINTR, "enter the user namespace");
  *pidfd = result.pidfd;
  if (result.pid < 0)
    *err = result.err;
  return result.pid;
}

pid_t container_fork(const struct container_plan *plan, const struct rootfs_sources *sources,
                     const struct child_io *io, int *pidfd, struct error *err) {
  struct joins joins __attribute__((cleanup(close_joins)));
  if (open_joins(plan, &joins, err) < 0) {
    error_stage(err, "namespaces");
    return -1;
  }
  if (sources->user_namespace >= 0)
    return fork_main_inside(plan, sources, io, &joins, pidfd, err);
  return fork_main(plan, sources, io, &joins, 0, pidfd, err);
}

static _Noreturn void exec_main(const struct container_plan *plan, const struct exec_plan *exec,
                                int pidfd, const struct child_io *io, const char *born_in) {
  struct error err = {0};
  struct process process;
  process_detach();
  if (adjust_oom_score(&exec->process, &err) < 0 || cgroup_join(&plan->cgroup, born_in, &err) < 0)
    fail(io->sync, &err);
  if (process_connect(io->stdio, exec->process.tty, &err) < 0) {
    error_stage(&err, "stdio");
    fail(io->sync, &err);
  }
  bool is_mapped = plan->user.uid_map[0];
  if (is_mapped && process_raise_limits(&exec->process, &err) < 0)
    fail(io->sync, &err);
  bool has_users = plan_oci(plan) && plan_oci(plan)->user.kind != NAMESPACE_HOST;
  int users = is_mapped || has_users ? CLONE_NEWUSER : 0;
  if (setns(pidfd, EXEC_NAMESPACES | users) < 0) {
    error_set(&err, errno, "enter the container");
    error_stage(&err, "namespaces");
    fail(io->sync, &err);
  }
  if (is_mapped && user_namespace_become_root(&err) < 0)
    fail(io->sync, &err);
  if (prepare(plan, &exec->process, &process, &err) == 0 && process_become(&process, &err) == 0)
    process_execute(&process, &err);
  fail(io->sync, &err);
}

pid_t container_fork_exec(const struct container_plan *plan, const struct exec_plan *exec,
                          const struct container_main *main, const struct child_io *io,
                          struct error *err) {
  if (plan->namespaces.pid.kind != NAMESPACE_HOST && setns(main->pidfd, CLONE_NEWPID) < 0) {
    error_set(err, errno, "enter the pid namespace");
    error_stage(err, "namespaces");
    return -1;
  }
  if (plan->user.uid_map[0])
    process_own_streams(io->stdio, plan->user.root_uid);
  const char *born_in;
  pid_t pid = clone_exec(&plan->cgroup, main->pid, &born_in);
  if (pid == 0)
    exec_main(plan, exec, main->pidfd, io, born_in);
  if (pid < 0) {
    error_set(err, errno, "fork");
    error_stage(err, "namespaces");
  }
  return pid;
}
