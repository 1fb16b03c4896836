/*
 * The supervisor of one container: brings it up, then reaps, pumps, logs, serves attach and exec,
 * and records the exit. It depends on neither the engine nor the zygote and ends with the
 * container.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "container.h"
#include "descriptor.h"
#include "layer_table.h"
#include "name_server.h"
#include "shim.h"
#include "shim_state.h"
#include "standard_streams.h"

enum {
  FAILURE_PATIENCE_SECONDS = 30,  /* for the engine to fetch a failure */
  DELIVERY_PATIENCE_SECONDS = 60, /* for clients to take the last output */
};

struct shim shim;

static void read_signals(struct source *source, uint32_t events) {
  (void)events;
  struct signalfd_siginfo info;
  (void)!read(source->fd, &info, sizeof info);
  task_reap();
}

static int open_signals(struct error *err) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  shim.signals = (struct source){.fd = fd, .ready = read_signals};
  if (fd < 0 || loop_watch(&shim.loop, &shim.signals, EPOLLIN) < 0)
    return error_set(err, errno, "signalfd");
  return 0;
}

/* Leaves everything that the engine or the zygote could take down with it. */
static int detach(struct error *err) {
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  umask(0);
  if (standard_streams_silence(err) < 0)
    return -1;
  return chdir("/") < 0 ? error_set(err, errno, "chdir /") : 0;
}

static int write_pid(struct error *err) {
  autoclose int file =
      openat(shim.run_directory, "shim.pid", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || dprintf(file, "%d\n", getpid()) < 0)
    return error_set(err, errno, "write shim.pid");
  return 0;
}

/* Up to the listening socket: what fails here is the answer to the FORK request. */
static int prepare(const uint8_t *plan, size_t size, struct error *err) {
  if (detach(err) < 0 || plan_parse(plan, size, &shim.plan, err) < 0)
    return -1;
  shim.container = &shim.plan.container;
  shim.run_directory = open(shim.container->run_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (shim.run_directory < 0)
    return error_set(err, errno, "open %s", shim.container->run_directory);
  if (loop_open(&shim.loop, err) < 0 || open_signals(err) < 0 || write_pid(err) < 0)
    return -1;
  return control_listen(err);
}

/* Of a process of a container that lives on; the end of PID 1 says by itself why it came. */
static void read_oom(struct source *source, uint32_t events) {
  (void)events;
  cgroup_drain_oom(source->fd);
  if (!shim.main || shim.main->exited)
    return;
  /* On v2 the file changes for other reasons, too; on v1 the event may precede the count. */
  unsigned long kills = cgroup_oom_kills(&shim.container->cgroup);
  if (source->interest == EPOLLPRI && kills <= shim.oom_told)
    return;
  shim.oom_told = kills;
  control_broadcast(FRAME_OOM, NULL, 0);
}

/* Without it only the exit tells of OOM kills. */
static void watch_oom(void) {
  uint32_t interest = 0;
  int fd = cgroup_watch_oom(&shim.container->cgroup, &interest);
  shim.oom = (struct source){.fd = fd, .ready = read_oom};
  shim.oom_told = shim.oom_kills;
  if (fd >= 0)
    loop_watch(&shim.loop, &shim.oom, interest);
}

static int open_log(struct error *err) {
  if (shim.container->log.path[0] == '\0')
    return 0;
  shim.log = calloc(1, sizeof *shim.log);
  if (!shim.log)
    return error_set(err, ENOMEM, "log");
  return log_open(shim.log, &shim.container->log, err);
}

static int bring_up(struct error *err) {
  bool external = external_is_used(shim.container);
  if (!external && cgroup_create(&shim.container->cgroup, err) < 0)
    return -1;
  shim.oom_kills = cgroup_oom_kills(&shim.container->cgroup);
  if (open_log(err) < 0 || rootfs_open(shim.container, &shim.rootfs, err) < 0)
    return -1;
  /* The overlay holds its layers by itself; these descriptors must not reach the container. */
  layer_table_close();
  if (external && external_stage(shim.container, &shim.rootfs, err) < 0)
    return -1;
  if (task_create_main(err) < 0)
    return -1;
  /* What is the supervisor's alone, while PID 1 sets itself up. */
  container_protect_supervisor();
  watch_oom();
  return task_await_main(err);
}

/* What the runtime keeps of the container. Not there after a create that failed: no matter. */
static void delete_external(void) {
  struct error err = {0};
  if (external_is_used(shim.container))
    external_run(shim.container, "delete", &err);
}

/* Ends what a failed set-up or start left: nothing of the container stays behind. */
static void tear_down(void) {
  name_server_stop();
  if (shim.main && shim.main->pid > 0 && !shim.main->exited) {
    kill(shim.main->pid, SIGKILL);
    waitpid(shim.main->pid, NULL, 0);
  }
  cgroup_kill(&shim.container->cgroup);
  delete_external();
  cgroup_remove(&shim.container->cgroup, task_reap);
  rootfs_close(&shim.rootfs);
}

static void settle_failed(void *context) {
  (void)context;
  bool told = false;
  for (struct connection *connection = shim.connections; connection; connection = connection->next)
    told |= connection->is_control;
  control_settle();
  shim.loop.stop = told;
}

/* A failed start is the answer to START; a failed set-up waits for the engine's control connection.
 */
static _Noreturn void end_with_failure(void) {
  tear_down();
  if (shim.starter) {
    task_answer_start(&shim.failure);
  } else {
    struct error err;
    alarm(FAILURE_PATIENCE_SECONDS);
    loop_run(&shim.loop, settle_failed, NULL, &err);
  }
  control_stop_listening();
  unlinkat(shim.run_directory, "shim.pid", 0);
  _exit(1);
}

static void tell_exit(int code, int number, bool oom_killed, const char *finished_at) {
  uint8_t payload[9 + 32];
  store_u32(payload, (uint32_t)code);
  store_u32(payload + 4, (uint32_t)number);
  payload[8] = oom_killed;
  size_t length = strlen(finished_at);
  memcpy(payload + 9, finished_at, length);
  control_broadcast(FRAME_EXITED, payload, 9 + length);
}

/* PID 1 is gone: the rest of the container, its output, its record, in this order. */
static void end_container(void) {
  const struct container_plan *plan = shim.container;
  int status = shim.main->status;
  int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  int code = number ? 128 + number : WEXITSTATUS(status);
  char finished_at[32];
  struct error err;
  log_time(finished_at);
  name_server_stop();
  /* In a pid namespace of its own everybody else died before PID 1 could be reaped. */
  if (plan->namespaces.pid.kind != NAMESPACE_NEW)
    cgroup_kill(&plan->cgroup);
  streams_finish(&shim.main->streams);
  if (shim.log)
    log_close(shim.log); /* the files are the next run's from now on */
  bool oom_killed = cgroup_oom_kills(&plan->cgroup) > shim.oom_kills;
  delete_external();
  cgroup_remove(&plan->cgroup, task_reap);
  exit_record_write(shim.run_directory, code, number, oom_killed, finished_at, &err);
  control_stop_listening();
  unlinkat(shim.run_directory, "shim.pid", 0);
  tell_exit(code, number, oom_killed, finished_at);
  shim.ended = true;
  alarm(DELIVERY_PATIENCE_SECONDS);
}

static void settle(void *context) {
  (void)context;
  if (shim.failure.message[0])
    end_with_failure();
  if (shim.main->exited && !shim.ended)
    end_container();
  task_settle();
  control_settle();
  if (shim.ended && !shim.main->streams.clients && !shim.main->next && shim.tasks == shim.main)
    shim.loop.stop = true;
}

_Noreturn void shim_main(const uint8_t *plan, size_t size, int report) {
  struct error err = {0};
  shim.run_directory = shim.pidfd = shim.listener.fd = -1;
  shim.rootfs = (struct rootfs_sources){.overlay = -1, .devpts = -1, .user_namespace = -1};
  if (prepare(plan, size, &err) < 0) {
    error_stage(&err, "shim");
    (void)!write(report, &err, sizeof err);
    _exit(1);
  }
  close(report);
  if (bring_up(&shim.failure) < 0) {
    error_stage(&shim.failure, "shim");
    end_with_failure();
  }
  loop_run(&shim.loop, settle, NULL, &err);
  /* Last, after everybody was told: ending the overlay may sync its whole filesystem. */
  rootfs_close(&shim.rootfs);
  _exit(0);
}
