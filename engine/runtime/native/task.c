/* A process of the container as its supervisor sees it: fork, set-up reports, end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "descriptor.h"
#include "interfaces.h"
#include "name_server.h"
#include "shim_state.h"

static void read_sync(struct source *source, uint32_t events);

struct task *task_find(const char *id) {
  for (struct task *task = shim.tasks; task; task = task->next) {
    if (strcmp(task->id, id) == 0 && !task->exited)
      return task;
  }
  return NULL;
}

static void free_task(struct task *task) {
  loop_forget(&shim.loop, &task->sync);
  close_fd(&task->sync.fd);
  close_fd(&task->connection);
  streams_close(&task->streams);
  plan_free(&task->plan);
  free(task->early);
  free(task);
}

static struct task *add_task(void) {
  struct task *task = calloc(1, sizeof *task);
  if (!task)
    return NULL;
  task->id = "";
  task->connection = -1;
  task->sync = (struct source){.fd = -1, .ready = read_sync};
  streams_init(&task->streams, &shim.loop);
  task->next = shim.tasks;
  shim.tasks = task;
  return task;
}

/* Opens stdio and the sync socket, forks with `fork_process`, closes the child's ends. */
static int fork_task(struct task *task, const struct plan_process *process,
                     pid_t (*fork_process)(struct task *task, const struct child_io *io,
                                           struct error *err),
                     struct error *err) {
  struct child_io io = {.gate = NULL};
  int sync[2];
  if (streams_open(&task->streams, &shim.loop, process, shim.rootfs.devpts, io.stdio, err) < 0)
    return -1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
    return error_set(err, errno, "socketpair");
  task->sync.fd = sync[0];
  io.sync = sync[1];
  task->pid = fork_process(task, &io, err);
  for (int i = 0; i < 3; i++)
    close_fd(&io.stdio[i]);
  close(io.sync);
  return task->pid < 0 ? -1 : 0;
}

static pid_t fork_main(struct task *task, const struct child_io *io, struct error *err) {
  (void)task;
  return container_fork(shim.container, &shim.rootfs, io, &shim.pidfd, err);
}

static pid_t fork_exec(struct task *task, const struct child_io *io, struct error *err) {
  struct container_main main = {shim.main->pid, shim.pidfd};
  return container_fork_exec(shim.container, &task->plan.exec, &main, io, err);
}

/* 1: ready, 0: the other end is gone (executed, or died), -1: it reported a failure. */
static int receive_sync(const struct task *task, struct error *err) {
  struct sync_message message;
  ssize_t size;
  do {
    size = recv(task->sync.fd, &message, sizeof message, 0);
    /* ECONNRESET: it died without reading what we sent, but its last words are still to come. */
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size != sizeof message)
    return 0;
  if (message.kind == SYNC_READY)
    return 1;
  message.err.message[sizeof message.err.message - 1] = '\0';
  message.err.stage[sizeof message.err.stage - 1] = '\0';
  *err = message.err;
  return -1;
}

int task_create_main(struct error *err) {
  struct task *task = shim.main = add_task();
  if (!task)
    return error_set(err, ENOMEM, "task");
  const struct plan_resolver *resolver = &shim.container->resolver;
  if (external_is_used(shim.container)) {
    if (external_task_create(task, err) < 0)
      return -1;
    return name_server_start(resolver, NULL, shim.pidfd, err);
  }
  if (fork_task(task, &shim.container->process, fork_main, err) < 0)
    return -1;
  task->streams.log = shim.log;
  const struct plan_interfaces *interfaces = &shim.container->interfaces;
  if (interfaces->count > 0) {
    /* Meanwhile the child mounts. */
    if (interfaces_create(interfaces, task->pid, err) < 0) {
      /* A child that is gone has told why. */
      if (err->number == ESRCH)
        receive_sync(task, err);
      return -1;
    }
    char go = SYNC_NETWORK;
    send(task->sync.fd, &go, 1, MSG_NOSIGNAL);
  }
  return name_server_start(resolver, NULL, shim.pidfd, err);
}

int task_await_main(struct error *err) {
  /* An external runtime's `create` has answered. */
  if (external_is_used(shim.container))
    return 0;
  int result = receive_sync(shim.main, err);
  if (result == 0) {
    error_set(err, 0, "the container's process died during its set-up");
    error_stage(err, "namespaces");
  }
  return result > 0 ? 0 : -1;
}

int task_start_main(struct error *err) {
  /* The engine's mark that nothing has run: from here on something may have. */
  unlinkat(shim.run_directory, "unstarted", 0);
  if (external_is_used(shim.container))
    return external_task_start(err);
  char go = SYNC_START;
  if (send(shim.main->sync.fd, &go, 1, MSG_NOSIGNAL) != 1)
    return error_set(err, errno, "the container's process is gone");
  streams_start(&shim.main->streams);
  if (loop_watch(&shim.loop, &shim.main->sync, EPOLLIN) < 0)
    return error_set(err, errno, "epoll_ctl");
  return 0;
}

void task_answer_start(const struct error *failure) {
  if (!shim.starter)
    return;
  int fd = shim.starter->source.fd;
  if (failure)
    frame_send_error(fd, shim.start_request, FRAME_ERROR, failure);
  else
    frame_send(fd, shim.start_request, FRAME_OK, NULL, 0);
  shim.starter = NULL;
}

/* After OK the connection carries stdio; a detached exec's is done. */
void task_answer_exec(struct task *task, const struct error *failure) {
  int fd = take_fd(&task->connection);
  uint8_t pid[4];
  store_u32(pid, (uint32_t)task->pid);
  if (failure)
    frame_send_error(fd, 0, FRAME_ERROR, failure);
  else
    frame_send(fd, 0, FRAME_OK, pid, sizeof pid);
  if (failure || task->detached ||
      streams_attach(&task->streams, fd, task->wants, task->early, task->early_size) < 0)
    close(fd);
  if (!failure)
    streams_start(&task->streams);
}

static void read_sync(struct source *source, uint32_t events) {
  struct task *task = (struct task *)source;
  (void)events;
  struct error err = {0};
  int result = receive_sync(task, &err);
  loop_forget(&shim.loop, source);
  close_fd(&source->fd);
  task->executed = result == 0;
  if (task != shim.main) {
    task_answer_exec(task, result < 0 ? &err : NULL);
    return;
  }
  if (result < 0)
    shim.failure = err; /* told once nothing of the container is left */
  else
    task_answer_start(NULL);
}

/* Its answer follows. */
static int start_exec(struct task *task, struct error *err) {
  if (external_is_used(shim.container))
    return external_task_exec(task, err);
  if (fork_task(task, &task->plan.exec.process, fork_exec, err) < 0)
    return -1;
  return loop_watch(&shim.loop, &task->sync, EPOLLIN) < 0 ? error_set(err, errno, "epoll_ctl") : 0;
}

void task_create_exec(struct connection *connection, const struct frame *frame) {
  struct error err = {0};
  struct task *task = add_task();
  struct frame_rest rest = frame_rest(&connection->reader);
  int fd = connection->source.fd;
  /* From here on the descriptor is the task's. */
  loop_forget(&shim.loop, &connection->source);
  connection->source.fd = -1;
  connection->dead = true;
  if (!task) {
    close(fd);
    return;
  }
  task->connection = fd;
  uint8_t flags = frame->size > 0 ? frame->payload[0] : 0;
  for (int i = 0; i < 3; i++)
    task->wants[i] = flags >> i & 1;
  task->detached = flags >> 3 & 1;
  if (rest.size > 0 && (task->early = malloc(rest.size))) {
    memcpy(task->early, rest.data, rest.size);
    task->early_size = rest.size;
  }
  if (!shim.main->executed || shim.main->exited)
    error_set(&err, ESRCH, "container %s is not running", shim.container->id);
  else if (exec_plan_parse(frame->payload + 1, frame->size - 1, &task->plan, &err) == 0) {
    task->id = task->plan.exec.id;
    if (start_exec(task, &err) == 0)
      return;
  }
  error_stage(&err, "exec");
  task_answer_exec(task, &err);
  task->exited = true;
}

static int exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void tell_exec_exit(const struct task *task) {
  uint8_t payload[4 + 256];
  size_t length = strnlen(task->id, sizeof payload - 4);
  store_u32(payload, (uint32_t)exit_code(task->status));
  memcpy(payload + 4, task->id, length);
  control_broadcast(FRAME_EXEC_EXITED, payload, 4 + length);
}

void task_end(struct task *task, int status) {
  /* It may have executed and ended within one batch: the answer goes out first. */
  if (task->sync.fd >= 0 && task->sync.added)
    read_sync(&task->sync, 0);
  task->exited = true;
  task->status = status;
  if (task == shim.main)
    return;
  if (task->executed)
    tell_exec_exit(task);
  streams_finish(&task->streams);
}

static struct task *find_by_pid(pid_t pid) {
  for (struct task *task = shim.tasks; task; task = task->next) {
    if (task->pid == pid && !task->exited)
      return task;
  }
  return NULL;
}

/* Collects every dead child; orphans that were adopted need nothing more. */
void task_reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (!shim.main || !shim.main->exited)
      name_server_reaped(pid, shim.pidfd);
    struct task *task = find_by_pid(pid);
    if (shim.log && log_reaped(shim.log, pid, status))
      streams_resume(&shim.main->streams);
    else if (task)
      task_end(task, status);
    else if (!external_task_reaped(pid, status))
      external_task_orphan(pid, status);
  }
}

void task_settle(void) {
  for (struct task **link = &shim.tasks; *link;) {
    struct task *task = *link;
    streams_settle(&task->streams);
    if (task != shim.main && task->exited && !task->streams.clients) {
      *link = task->next;
      free_task(task);
    } else {
      link = &task->next;
    }
  }
}
