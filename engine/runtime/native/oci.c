/*
 * The work of the OCI command line (engine/oci), one process per call:
 *
 *     oci-create DIRECTORY PRESERVED CONSOLE wait|leave
 *     oci-exec DIRECTORY FILE PID PRESERVED CONSOLE wait|leave
 *
 * DIRECTORY is the container's state directory: its file `plan` is the container's plan. FILE in it
 * is an exec's. CONSOLE is the socket that a terminal's master is sent to, or "". `leave`: the new
 * process is left to whoever adopts it; `wait`: its stdio is relayed and its exit code is ours.
 * Descriptor 3 + PRESERVED carries the answer: the pid in decimal, or `stage NUL errno NUL
 * message`.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "commands.h"
#include "container.h"
#include "descriptor.h"
#include "hooks.h"
#include "process.h"
#include "relay.h"
#include "resolve.h"
#include "sealed.h"
#include "terminal.h"

enum { MAX_PRESERVED = 1024 };

/* One call. */
struct call {
  int directory;       /* the container's state */
  int result;          /* the caller's pipe */
  const char *console; /* socket for the terminal, "": none */
  bool waits;
  int master; /* of the terminal that we relay ourselves, or -1 */
};

static void answer_failure(const struct call *call, const struct error *err) {
  dprintf(call->result, "%s%c%s%c%s", err->stage, 0, error_name(err->number), 0, err->message);
}

static void answer_pid(struct call *call, pid_t pid) {
  dprintf(call->result, "%d", pid);
  close_fd(&call->result);
}

static int read_file(int directory, const char *name, uint8_t **data, size_t *size,
                     struct error *err) {
  struct stat stat;
  autoclose int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0 || fstat(file, &stat) < 0)
    return error_set(err, errno, "open %s", name);
  *size = stat.st_size > PLAN_MAX_BYTES ? PLAN_MAX_BYTES + 1 : (size_t)stat.st_size;
  *data = malloc(*size + 1);
  if (!*data || read(file, *data, *size) != (ssize_t)*size) {
    free(*data);
    return error_set(err, EIO, "read %s", name);
  }
  return 0;
}

static int read_plan(int directory, const char *name,
                     int (*parse)(const uint8_t *, size_t, struct plan *, struct error *),
                     struct plan *plan, struct error *err) {
  uint8_t *data = NULL;
  size_t size = 0;
  if (read_file(directory, name, &data, &size, err) < 0)
    return -1;
  int result = parse(data, size, plan, err);
  free(data);
  return result;
}

/* Of the arguments from `last` on: PRESERVED CONSOLE wait|leave. */
static int begin(struct call *call, const char *directory, char **last, struct error *err) {
  char *end;
  unsigned long preserved = strtoul(last[0], &end, 10);
  *call = (struct call){.directory = -1, .result = -1, .master = -1};
  if (*end != '\0' || preserved > MAX_PRESERVED)
    return error_set(err, EINVAL, "%s descriptors", last[0]);
  call->result = 3 + (int)preserved;
  call->console = last[1];
  call->waits = strcmp(last[2], "wait") == 0;
  if (fcntl(call->result, F_SETFD, FD_CLOEXEC) < 0)
    return error_set(err, errno, "the caller's pipe");
  /* SECURITY: 2024-21626. Nothing else that leaked into us goes on into the container. */
  close_range((unsigned)call->result + 1, ~0U, 0);
  call->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (call->directory < 0)
    return error_set(err, errno, "open %s", directory);
  /* SECURITY: 2019-5736, as in the zygote. */
  prctl(PR_SET_DUMPABLE, 0);
  signal(SIGPIPE, SIG_IGN);
  umask(0);
  if (!call->waits)
    process_outlive_parent();
  return 0;
}

/* A terminal for the process, or our own stdio. */
static int open_stdio(struct call *call, bool tty, int devpts, int stdio[3], struct error *err) {
  for (int fd = 0; fd < 3; fd++)
    stdio[fd] = fd;
  if (!tty)
    return 0;
  call->master = terminal_open(devpts, stdio, err);
  return call->master < 0 ? error_stage(err, "stdio") : 0;
}

/* To whoever asked for it; without one we keep and relay it. */
static int hand_over_terminal(struct call *call, struct error *err) {
  if (call->master < 0 || call->console[0] == '\0')
    return 0;
  int result = terminal_send(call->master, call->console, err);
  close_fd(&call->master);
  return result < 0 ? error_stage(err, "stdio") : 0;
}

static int exit_status(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- create --- */

static int open_gate(int directory, struct child_gate *gate, struct error *err) {
  if (mkfifoat(directory, "start", 0600) < 0 || mkfifoat(directory, "started", 0600) < 0)
    return error_set(err, errno, "make the start's FIFOs");
  gate->start = openat(directory, "start", O_RDWR | O_CLOEXEC);
  gate->started = openat(directory, "started", O_RDWR | O_CLOEXEC);
  return gate->start < 0 || gate->started < 0 ? error_set(err, errno, "open the start's FIFOs") : 0;
}

/* Answers what PID 1 asks for on its way, until it is ready. */
static int accompany(const struct container_plan *plan, pid_t pid, int sync, struct error *err) {
  for (;;) {
    struct sync_message message;
    ssize_t size = recv(sync, &message, sizeof message, 0);
    if (size < 0 && errno == EINTR)
      continue;
    if (size != sizeof message) {
      error_set(err, 0, "the container's process died during its set-up");
      return error_stage(err, "namespaces");
    }
    if (message.kind == SYNC_READY)
      return 0;
    if (message.kind == SYNC_FAILED) {
      *err = message.err;
      return -1;
    }
    if (hooks_run(&plan_oci(plan)->hooks, HOOK_CREATE_RUNTIME, pid, err) < 0)
      return -1;
    message.pid = pid;
    send(sync, &message, sizeof message, MSG_NOSIGNAL);
  }
}

static int fork_main(struct call *call, const struct container_plan *plan,
                     const struct rootfs_sources *sources, pid_t *pid, struct error *err) {
  struct child_gate gate = {.result = call->result};
  struct child_io io = {.gate = &gate};
  int sync[2];
  autoclose int pidfd = -1;
  autoclose int host_devpts =
      sources->devpts < 0 ? open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  int devpts = sources->devpts < 0 ? host_devpts : sources->devpts;
  if (open_gate(call->directory, &gate, err) < 0 ||
      open_stdio(call, plan->process.tty, devpts, io.stdio, err) < 0)
    return -1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
    return error_set(err, errno, "socketpair");
  io.sync = sync[1];
  *pid = container_fork(plan, sources, &io, &pidfd, err);
  close(sync[1]);
  for (int fd = 0; plan->process.tty && fd < 3; fd++)
    close_fd(&io.stdio[fd]);
  if (*pid < 0 || container_map_users(plan_oci(plan), *pid, sync[0], err) < 0 ||
      accompany(plan, *pid, sync[0], err) < 0)
    return -1;
  close(sync[0]);
  return hand_over_terminal(call, err);
}

static int create(struct call *call, const struct container_plan *plan, pid_t *pid,
                  struct error *err) {
  struct rootfs_sources sources = {.overlay = -1, .devpts = -1, .user_namespace = -1};
  if (!plan_oci(plan))
    return error_set(err, EINVAL, "the plan is another container's");
  int result = cgroup_create(&plan->cgroup, err);
  if (result == 0)
    result = rootfs_open(plan, &sources, err);
  if (result == 0)
    result = fork_main(call, plan, &sources, pid, err);
  rootfs_close(&sources);
  return result;
}

static void reap_nobody(void) {
}

/* Nothing of a container that failed stays behind. */
static void undo(const struct container_plan *plan, pid_t pid) {
  if (pid > 0) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
  cgroup_kill(&plan->cgroup);
  cgroup_remove(&plan->cgroup, reap_nobody);
}

int oci_create_main(int argc, char **argv) {
  struct error err = {0};
  struct call call;
  struct plan plan = {0};
  pid_t pid = 0;
  char *arguments[] = {"gantry-shim",
                       argv[0],
                       argv[1],
                       argc > 2 ? argv[2] : NULL,
                       argc > 3 ? argv[3] : NULL,
                       argc > 4 ? argv[4] : NULL,
                       NULL};
  if (argc != 5)
    return 2;
  if (become_sealed(arguments, &err) < 0) {
    fprintf(stderr, "gantry-shim: %s\n", err.message);
    return 1;
  }
  if (begin(&call, argv[1], argv + 2, &err) < 0 ||
      read_plan(call.directory, "plan", plan_parse, &plan, &err) < 0) {
    answer_failure(&call, &err);
    return 1;
  }
  if (create(&call, &plan.container, &pid, &err) < 0) {
    undo(&plan.container, pid);
    answer_failure(&call, &err);
    return 1;
  }
  answer_pid(&call, pid);
  return call.waits ? exit_status(relay_until_exit(pid, call.master)) : 0;
}

/* --- exec --- */

/* The container's own devpts, resolved inside its root; terminal_open checks what it is. */
static int open_container_devpts(const char *pid, struct error *err) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%.16s/root", pid);
  autoclose int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int devpts = root < 0 ? -1 : resolve(root, "/dev/pts", O_PATH | O_DIRECTORY, false);
  return devpts < 0 ? error_set(err, errno, "open the container's /dev/pts") : devpts;
}

static int await_exec(int sync, struct error *err) {
  struct sync_message message;
  ssize_t size;
  do {
    size = recv(sync, &message, sizeof message, 0);
  } while (size < 0 && errno == EINTR);
  if (size != sizeof message)
    return 0;
  *err = message.err;
  return -1;
}

static int exec(struct call *call, const struct container_plan *plan, const struct exec_plan *exec,
                const char *main, pid_t *pid, struct error *err) {
  struct child_io io = {.gate = NULL};
  int sync[2];
  pid_t first = (pid_t)strtol(main, NULL, 10);
  autoclose int pidfd = pidfd_open(first, 0);
  autoclose int devpts = exec->process.tty ? open_container_devpts(main, err) : -1;
  if (pidfd < 0)
    return error_set(err, errno, "process %s", main);
  if ((exec->process.tty && devpts < 0) ||
      open_stdio(call, exec->process.tty, devpts, io.stdio, err) < 0)
    return -1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
    return error_set(err, errno, "socketpair");
  io.sync = sync[1];
  *pid = container_fork_exec(plan, exec, &(struct container_main){first, pidfd}, &io, err);
  close(sync[1]);
  for (int fd = 0; exec->process.tty && fd < 3; fd++)
    close_fd(&io.stdio[fd]);
  if (*pid < 0 || hand_over_terminal(call, err) < 0)
    return -1;
  return await_exec(sync[0], err);
}

int oci_exec_main(int argc, char **argv) {
  struct error err = {0};
  struct call call;
  struct plan plan = {0}, process = {0};
  pid_t pid = 0;
  if (argc != 7)
    return 2;
  char *arguments[] = {"gantry-shim", argv[0], argv[1], argv[2], argv[3],
                       argv[4],       argv[5], argv[6], NULL};
  if (become_sealed(arguments, &err) < 0) {
    fprintf(stderr, "gantry-shim: %s\n", err.message);
    return 1;
  }
  if (begin(&call, argv[1], argv + 4, &err) < 0 ||
      read_plan(call.directory, "plan", plan_parse, &plan, &err) < 0 ||
      read_plan(call.directory, argv[2], exec_plan_parse, &process, &err) < 0 ||
      exec(&call, &plan.container, &process.exec, argv[3], &pid, &err) < 0) {
    if (pid > 0)
      waitpid(pid, NULL, 0);
    answer_failure(&call, &err);
    return 1;
  }
  answer_pid(&call, pid);
  return call.waits ? exit_status(relay_until_exit(pid, call.master)) : 0;
}
