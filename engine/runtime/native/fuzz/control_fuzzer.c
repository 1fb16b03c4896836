/*
 * libFuzzer entry: a connection to a shim's socket that may say anything. The container has ended
 * its set-up, but there is no process: nothing can be signalled or executed.
 */
#include "../control.c"

#include "fuzz.h"

static struct task main_task;

static void open_shim(void) {
  struct error err = {0};
  if (shim.main)
    return;
  static const char *const nowhere[] = {NULL};
  static const struct container_plan plan = {
      .id = "fuzz",
      .run_directory = "/",
      .cgroup = {.kill_file = "", .oom_file = "", .join = {.items = (const char **)nowhere}},
  };
  shim.container = &plan;
  shim.run_directory = shim.pidfd = shim.listener.fd = -1;
  shim.main = shim.tasks = &main_task;
  main_task.id = "";
  main_task.connection = main_task.sync.fd = -1;
  main_task.exited = true;
  if (loop_open(&shim.loop, &err) < 0)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct plan_process process = {.open_stdin = 1};
  int ends[2], child[3];
  struct error err = {0};
  open_shim();
  if (streams_open(&main_task.streams, &shim.loop, &process, -1, child, &err) < 0)
    abort();
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
    return 0;
  struct connection *connection = calloc(1, sizeof *connection);
  connection->source = (struct source){.fd = ends[0], .ready = read_connection};
  connection->next = shim.connections;
  shim.connections = connection;
  loop_watch(&shim.loop, &connection->source, EPOLLIN);
  if (write(ends[1], data, size) < 0) {
    /* More than the socket takes is no input for this. */
  }
  shutdown(ends[1], SHUT_WR);
  for (size_t round = 0; round <= size && !connection->dead; round++)
    read_connection(&connection->source, EPOLLIN);
  if (!connection->dead)
    drop(connection);
  control_settle();
  streams_close(&main_task.streams);
  task_settle();
  for (int i = 0; i < 3; i++)
    close_fd(&child[i]);
  close(ends[1]);
  return 0;
}
