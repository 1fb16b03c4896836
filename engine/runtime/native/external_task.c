/* The processes of a container that an external runtime makes. */
#include <errno.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"
#include "shim_state.h"

enum { MAX_ORPHANS = 64 };

/*
 * An exec's process becomes our child when the runtime that started it ends, and may be collected
 * before we know that it is one.
 */
static struct {
  struct {
    pid_t pid;
    int status;
  } items[MAX_ORPHANS];
  size_t count;
} orphans;

static bool any_runner(void) {
  for (const struct task *task = shim.tasks; task; task = task->next) {
    if (task->runner > 0)
      return true;
  }
  return false;
}

static pid_t begin(struct task *task, const char *head, const char *tail, struct error *err) {
  const struct plan_process *process =
      task == shim.main ? &shim.container->process : &task->plan.exec.process;
  task->start = (struct external_start){
      .id = task->id,
      .process = process,
      .head = head,
      .tail = tail,
      .main = task == shim.main ? 0 : shim.main->pid,
      .console = -1,
  };
  int stdio[3];
  pid_t runner = streams_open_foreign(&task->streams, &shim.loop, process, stdio, err);
  if (runner == 0)
    runner = external_begin(shim.container, shim.run_directory, &task->start, stdio, err);
  for (int i = 0; i < 3; i++)
    close_fd(&stdio[i]);
  return runner;
}

static int take(struct task *task, int status, struct error *err) {
  int terminal;
  if (external_take(shim.container, shim.run_directory, &task->start, status, &task->pid, &terminal,
                    err) < 0)
    return -1;
  return terminal < 0 ? 0 : streams_adopt(&task->streams, task->start.process, terminal, err);
}

int external_task_create(struct task *task, struct error *err) {
  const struct plan_external *external = &shim.container->external;
  pid_t runner = begin(task, external->head, external->tail, err);
  int status;
  if (runner < 0)
    return -1;
  while (waitpid(runner, &status, 0) < 0) {
    if (errno != EINTR)
      return error_set(err, errno, "wait for the runtime");
  }
  task->streams.log = shim.log;
  if (take(task, status, err) < 0)
    return -1;
  shim.pidfd = pidfd_open(task->pid, 0);
  return shim.pidfd < 0 ? error_set(err, errno, "process %d of the runtime", task->pid) : 0;
}

int external_task_start(struct error *err) {
  if (external_run(shim.container, "start", err) < 0) {
    shim.failure = *err; /* told once nothing of the container is left */
    return 0;
  }
  streams_start(&shim.main->streams);
  shim.main->executed = true;
  task_answer_start(NULL);
  return 0;
}

int external_task_exec(struct task *task, struct error *err) {
  task->runner = begin(task, task->plan.exec.head, task->plan.exec.tail, err);
  if (task->runner > 0)
    return 0;
  task->runner = 0;
  return -1;
}

static void settle_orphan(struct task *task) {
  for (size_t i = 0; i < orphans.count; i++) {
    if (orphans.items[i].pid == task->pid) {
      task_end(task, orphans.items[i].status);
      return;
    }
  }
}

bool external_task_reaped(pid_t pid, int status) {
  struct task *task = shim.tasks;
  while (task && task->runner != pid)
    task = task->next;
  if (!task)
    return false;
  struct error err = {0};
  task->runner = 0;
  if (take(task, status, &err) < 0) {
    task_answer_exec(task, &err);
    task->exited = true;
  } else {
    task->executed = true;
    task_answer_exec(task, NULL);
    settle_orphan(task);
  }
  if (!any_runner())
    orphans.count = 0;
  return true;
}

void external_task_orphan(pid_t pid, int status) {
  if (orphans.count < MAX_ORPHANS && any_runner()) {
    orphans.items[orphans.count].pid = pid;
    orphans.items[orphans.count++].status = status;
  }
}
