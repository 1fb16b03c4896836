/* The shim's socket: who may connect, what a connection becomes, requests and events. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cgroup.h"
#include "descriptor.h"
#include "name_server.h"
#include "network_change.h"
#include "shim_state.h"

static void read_connection(struct source *source, uint32_t events);

static void drop(struct connection *connection) {
  loop_forget(&shim.loop, &connection->source);
  close_fd(&connection->source.fd);
  connection->dead = true;
  if (shim.starter == connection)
    shim.starter = NULL;
}

/* SECURITY: 2020-15257. A pathname socket in a 0700 directory, and the peer must be the user that
 * we are. */
static bool is_trusted(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void accept_connection(struct source *source, uint32_t events) {
  (void)events;
  autoclose int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  struct connection *connection = fd < 0 || !is_trusted(fd) ? NULL : calloc(1, sizeof *connection);
  if (!connection)
    return;
  connection->source = (struct source){.fd = take_fd(&fd), .ready = read_connection};
  connection->next = shim.connections;
  shim.connections = connection;
  if (loop_watch(&shim.loop, &connection->source, EPOLLIN) < 0)
    drop(connection);
}

int control_listen(struct error *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  /* Through the descriptor: the path itself may be longer than the 108 bytes of an address. */
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/shim.sock",
           shim.run_directory);
  unlinkat(shim.run_directory, "shim.sock", 0);
  unlinkat(shim.run_directory, "exit.json", 0);
  autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 64) < 0)
    return error_set(err, errno, "listen on %s/shim.sock", shim.container->run_directory);
  shim.listener = (struct source){.fd = take_fd(&fd), .ready = accept_connection};
  return loop_watch(&shim.loop, &shim.listener, EPOLLIN) < 0 ? error_set(err, errno, "epoll_ctl")
                                                             : 0;
}

/* Before the exit is told: the next shim of this container makes a socket of the same name. */
void control_stop_listening(void) {
  if (shim.listener.fd < 0)
    return;
  unlinkat(shim.run_directory, "shim.sock", 0);
  loop_forget(&shim.loop, &shim.listener);
  close_fd(&shim.listener.fd);
}

void control_broadcast(uint8_t type, const void *payload, size_t size) {
  for (struct connection *connection = shim.connections; connection;
       connection = connection->next) {
    if (connection->is_control && !connection->dead &&
        frame_send(connection->source.fd, 0, type, payload, size) < 0)
      drop(connection);
  }
}

static void become_control(struct connection *connection) {
  connection->is_control = true;
  if (shim.failure.message[0]) {
    frame_send_error(connection->source.fd, 0, FRAME_FAILED, &shim.failure);
    return;
  }
  uint8_t state[5];
  store_u32(state, (uint32_t)shim.main->pid);
  state[4] = shim.main->executed;
  frame_send(connection->source.fd, 0, FRAME_READY, state, sizeof state);
}

static void become_client(struct connection *connection, const struct frame *frame) {
  uint8_t flags = frame->size > 0 ? frame->payload[0] : 0;
  bool wants[3] = {flags & 1, flags >> 1 & 1, flags >> 2 & 1};
  struct frame_rest rest = frame_rest(&connection->reader);
  loop_forget(&shim.loop, &connection->source);
  int fd = take_fd(&connection->source.fd);
  connection->dead = true;
  if (frame_send(fd, frame->request, FRAME_OK, NULL, 0) < 0 ||
      streams_attach(&shim.main->streams, fd, wants, rest.data, rest.size) < 0)
    close(fd);
}

static int resize(const struct frame *frame, struct error *err) {
  char id[256];
  if (frame->size < 8 || frame->size - 8 >= sizeof id)
    return error_set(err, EINVAL, "resize request of %zu bytes", frame->size);
  memcpy(id, frame->payload + 8, frame->size - 8);
  id[frame->size - 8] = '\0';
  struct task *task = task_find(id);
  if (!task)
    return error_set(err, ESRCH, "no such process");
  return streams_resize(&task->streams, load_u32(frame->payload), load_u32(frame->payload + 4),
                        err);
}

static int send_signal(const struct frame *frame, struct error *err) {
  if (frame->size != 4)
    return error_set(err, EINVAL, "kill request of %zu bytes", frame->size);
  if (shim.main->exited ||
      pidfd_send_signal(shim.pidfd, (int)load_u32(frame->payload), NULL, 0) < 0)
    return error_set(err, shim.main->exited ? ESRCH : errno, "kill");
  return 0;
}

static int change_network(const struct frame *frame, struct error *err) {
  struct plan plan;
  if (shim.main->exited)
    return error_set(err, ESRCH, "the container has ended");
  if (network_plan_parse(frame->payload, frame->size, &plan, err) < 0)
    return -1;
  int result = network_change(&plan.network, shim.main->pid, shim.pidfd, err);
  if (result == 0)
    result = name_server_start(&plan.network.resolver, &plan, shim.pidfd, err);
  plan_free(&plan);
  return result;
}

/* The engine needs no log file before this one any more. */
static int release_log(const struct frame *frame, struct error *err) {
  if (frame->size != 8 || !shim.log)
    return error_set(err, EINVAL, "log request of %zu bytes", frame->size);
  log_release(shim.log, load_u32(frame->payload) | (uint64_t)load_u32(frame->payload + 4) << 32);
  streams_resume(&shim.main->streams);
  return 0;
}

/* 1: answered later, 0: done, -1: refused. */
static int handle_request(struct connection *connection, const struct frame *frame,
                          struct error *err) {
  switch (frame->type) {
  case FRAME_START:
    if (shim.main->executed || shim.starter)
      return error_set(err, EALREADY, "the container was started before");
    shim.starter = connection;
    shim.start_request = frame->request;
    if (task_start_main(err) == 0)
      return 1;
    shim.starter = NULL;
    return -1;
  case FRAME_KILL:
    return send_signal(frame, err);
  case FRAME_KILL_ALL:
    cgroup_kill(&shim.container->cgroup);
    return 0;
  case FRAME_RESIZE:
    return resize(frame, err);
  case FRAME_NETWORK:
    return change_network(frame, err);
  case FRAME_LOG_READ:
    return release_log(frame, err);
  }
  return error_set(err, EINVAL, "unknown request %u", frame->type);
}

static void handle_frame(struct connection *connection, const struct frame *frame) {
  struct error err = {0};
  bool over = shim.failure.message[0] || shim.ended;
  if (!connection->is_control && frame->type == FRAME_CONTROL) {
    become_control(connection);
  } else if (!connection->is_control && frame->type == FRAME_ATTACH && !over) {
    become_client(connection, frame);
  } else if (!connection->is_control && frame->type == FRAME_EXEC && !over) {
    task_create_exec(connection, frame);
  } else if (!connection->is_control || over) {
    drop(connection);
  } else {
    int result = handle_request(connection, frame, &err);
    error_stage(&err, "control");
    if (result == 0)
      frame_send(connection->source.fd, frame->request, FRAME_OK, NULL, 0);
    else if (result < 0)
      frame_send_error(connection->source.fd, frame->request, FRAME_ERROR, &err);
  }
}

static void read_connection(struct source *source, uint32_t events) {
  struct connection *connection = (struct connection *)source;
  (void)events;
  struct error err = {0};
  struct frame frame;
  int count = frame_read(&connection->reader, source->fd, &err);
  if (count < 0 && err.number == EAGAIN)
    return;
  int more = 0;
  while (!connection->dead && (more = frame_next(&connection->reader, &frame, &err)) > 0)
    handle_frame(connection, &frame);
  if (!connection->dead && (count <= 0 || more < 0))
    drop(connection);
}

void control_settle(void) {
  for (struct connection **link = &shim.connections; *link;) {
    struct connection *connection = *link;
    if (!connection->dead) {
      link = &connection->next;
      continue;
    }
    *link = connection->next;
    frame_reader_free(&connection->reader);
    free(connection);
  }
}
