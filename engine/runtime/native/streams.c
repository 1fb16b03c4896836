#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "descriptor.h"
#include "streams.h"
#include "terminal.h"

enum {
  CLIENT_LIMIT = 1 << 20, /* a slower client stops the container's output, as Docker does */
  CHUNK = 65536,
  STREAM_HEADER = 8,
};

static void read_client(struct source *source, uint32_t events);
static void update_outputs(struct streams *streams);

/* --- clients: towards the engine --- */

static bool is_over_limit(const struct streams *streams) {
  if (streams->log && streams->log->held)
    return true;
  for (const struct client *client = streams->clients; client; client = client->next) {
    if (!client->dead && client->used > CLIENT_LIMIT)
      return true;
  }
  return false;
}

static void drop_client(struct client *client) {
  if (client->dead)
    return;
  loop_forget(client->streams->loop, &client->source);
  close_fd(&client->source.fd);
  client->dead = true;
  update_outputs(client->streams);
}

static void watch_client(struct client *client) {
  bool reads = !client->input_ended && client->streams->pending_used == 0;
  loop_watch(client->streams->loop, &client->source,
             (reads ? (uint32_t)EPOLLIN : 0) | (client->used > 0 ? (uint32_t)EPOLLOUT : 0));
}

static int keep(struct client *client, const uint8_t *data, size_t size) {
  if (client->start + client->used + size > client->capacity) {
    memmove(client->buffer, client->buffer + client->start, client->used);
    client->start = 0;
    if (client->used + size > client->capacity) {
      uint8_t *grown = realloc(client->buffer, client->used + size);
      if (!grown)
        return -1;
      client->buffer = grown;
      client->capacity = client->used + size;
    }
  }
  memcpy(client->buffer + client->start + client->used, data, size);
  client->used += size;
  return 0;
}

static void end_if_drained(struct client *client) {
  if (client->dead || client->used > 0)
    return;
  free(client->buffer);
  client->buffer = NULL;
  client->start = client->capacity = 0;
  if (client->finishing)
    drop_client(client);
  else
    watch_client(client);
}

static void flush_client(struct client *client) {
  while (client->used > 0) {
    ssize_t count = send(client->source.fd, client->buffer + client->start, client->used,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0) {
      if (errno != EAGAIN)
        drop_client(client);
      return;
    }
    client->start += (size_t)count;
    client->used -= (size_t)count;
  }
  end_if_drained(client);
  update_outputs(client->streams);
}

/* Straight into the socket when nothing is waiting; the rest is kept. */
static void send_output(struct client *client, int stream, const uint8_t *data, size_t size) {
  uint8_t header[STREAM_HEADER] = {
      (uint8_t)stream, 0, 0, 0, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
      (uint8_t)size};
  size_t prefix = client->streams->tty ? 0 : STREAM_HEADER;
  size_t sent = 0;
  if (client->used == 0) {
    struct iovec parts[] = {{header, prefix}, {(void *)data, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t count = sendmsg(client->source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      drop_client(client);
      return;
    }
    sent = count > 0 ? (size_t)count : 0;
  }
  size_t skipped = sent > prefix ? sent - prefix : 0;
  if (sent < prefix && keep(client, header + sent, prefix - sent) < 0)
    drop_client(client);
  else if (skipped < size && keep(client, data + skipped, size - skipped) < 0)
    drop_client(client);
  else if (client->used > 0)
    watch_client(client);
}

/* --- output: from the process --- */

static void close_output(struct output *output) {
  if (output->source.fd < 0)
    return;
  loop_forget(output->streams->loop, &output->source);
  close_fd(&output->source.fd);
  if (output->streams->log)
    log_end(output->streams->log, output->stream);
}

/* false: nothing more for now, or ever. */
static bool pump(struct output *output) {
  static uint8_t chunk[CHUNK];
  struct streams *streams = output->streams;
  ssize_t count = read(output->source.fd, chunk, sizeof chunk);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return errno == EINTR;
  if (count <= 0) { /* a terminal without a user reads EIO */
    close_output(output);
    return false;
  }
  if (streams->log)
    log_write(streams->log, output->stream, (char *)chunk, (size_t)count);
  for (struct client *client = streams->clients; client; client = client->next) {
    if (!client->dead && client->wants[output->stream])
      send_output(client, output->stream, chunk, (size_t)count);
  }
  return true;
}

static void read_output(struct source *source, uint32_t events) {
  struct output *output = (struct output *)source;
  (void)events;
  pump(output);
  if (is_over_limit(output->streams))
    update_outputs(output->streams);
}

static void update_outputs(struct streams *streams) {
  bool stopped = !streams->started || is_over_limit(streams);
  for (int i = 0; i < 2; i++) {
    struct output *output = &streams->outputs[i];
    if (output->source.fd < 0)
      continue;
    /* Removed, not masked: a hang-up would be told again and again. */
    if (stopped)
      loop_forget(streams->loop, &output->source);
    else
      loop_watch(streams->loop, &output->source, EPOLLIN);
  }
}

/* --- input: to the process --- */

static void close_input(struct streams *streams) {
  if (streams->input.fd < 0)
    return;
  loop_forget(streams->loop, &streams->input);
  close_fd(&streams->input.fd);
  streams->pending_used = 0;
}

static void watch_clients(struct streams *streams) {
  for (struct client *client = streams->clients; client; client = client->next) {
    if (!client->dead)
      watch_client(client);
  }
}

static void write_input(struct source *source, uint32_t events) {
  struct streams *streams = (struct streams *)((char *)source - offsetof(struct streams, input));
  (void)events;
  while (streams->pending_used > 0) {
    ssize_t count =
        write(source->fd, streams->pending + streams->pending_start, streams->pending_used);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && errno == EAGAIN) {
      loop_watch(streams->loop, source, EPOLLOUT);
      return;
    }
    if (count < 0) { /* the process closed its stdin: the rest has no reader */
      close_input(streams);
      break;
    }
    streams->pending_start += (size_t)count;
    streams->pending_used -= (size_t)count;
  }
  free(streams->pending);
  streams->pending = NULL;
  loop_forget(streams->loop, source);
  if (streams->input_closing)
    close_input(streams);
  watch_clients(streams);
}

/* Clients are not read while input is pending, so that it stays bounded by what their sockets hold.
 */
static void accept_input(struct streams *streams, const uint8_t *data, size_t size) {
  if (streams->input.fd < 0 || streams->input_closing || size == 0)
    return;
  uint8_t *joined = malloc(streams->pending_used + size);
  if (!joined)
    return;
  if (streams->pending_used > 0)
    memcpy(joined, streams->pending + streams->pending_start, streams->pending_used);
  memcpy(joined + streams->pending_used, data, size);
  free(streams->pending);
  streams->pending = joined;
  streams->pending_start = 0;
  streams->pending_used += size;
  write_input(&streams->input, 0);
}

/* With a terminal there is nothing to close: its other half still shows output. */
static void end_input(struct client *client) {
  struct streams *streams = client->streams;
  client->input_ended = true;
  if (!client->wants[STREAM_STDIN] || !streams->close_with_client || streams->tty)
    return;
  if (streams->pending_used > 0)
    streams->input_closing = true;
  else
    close_input(streams);
}

static void read_client(struct source *source, uint32_t events) {
  struct client *client = (struct client *)source;
  static uint8_t chunk[CHUNK];
  if (events & EPOLLOUT)
    flush_client(client);
  bool gone = events & (EPOLLHUP | EPOLLERR);
  if (client->dead || (!gone && (!(events & EPOLLIN) || client->streams->pending_used > 0)))
    return;
  ssize_t count = client->input_ended ? 0 : recv(source->fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (count > 0) {
    if (client->wants[STREAM_STDIN])
      accept_input(client->streams, chunk, (size_t)count);
    watch_client(client);
    return;
  }
  if (!client->input_ended)
    end_input(client);
  if (count < 0 || gone)
    drop_client(client);
  else
    watch_client(client);
}

/* --- life of the whole --- */

int streams_adopt(struct streams *streams, const struct plan_process *plan, int master,
                  struct error *err) {
  streams->input.fd = master;
  streams->outputs[0].source.fd = fcntl(master, F_DUPFD_CLOEXEC, 3);
  if (streams->outputs[0].source.fd < 0 || fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
    return error_set(err, errno, "open a terminal");
  return plan->rows && plan->columns ? streams_resize(streams, plan->rows, plan->columns, err) : 0;
}

static int open_terminal(struct streams *streams, const struct plan_process *plan, int devpts,
                         int child[3], struct error *err) {
  int master = terminal_open(devpts, child, err);
  return master < 0 ? -1 : streams_adopt(streams, plan, master, err);
}

static int open_pipe(int *ours, int *theirs, bool we_read, struct error *err) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0)
    return error_set(err, errno, "pipe");
  *ours = ends[we_read ? 0 : 1];
  *theirs = ends[we_read ? 1 : 0];
  fcntl(*ours, F_SETFL, O_NONBLOCK);
  return 0;
}

static int open_pipes(struct streams *streams, const struct plan_process *plan, int child[3],
                      struct error *err) {
  if (plan->open_stdin) {
    if (open_pipe(&streams->input.fd, &child[0], false, err) < 0)
      return -1;
  } else {
    child[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (child[0] < 0)
      return error_set(err, errno, "open /dev/null");
  }
  if (open_pipe(&streams->outputs[0].source.fd, &child[1], true, err) < 0)
    return -1;
  return open_pipe(&streams->outputs[1].source.fd, &child[2], true, err);
}

void streams_init(struct streams *streams, struct loop *loop) {
  *streams = (struct streams){.loop = loop};
  streams->input = (struct source){.fd = -1, .ready = write_input};
  for (int i = 0; i < 2; i++)
    streams->outputs[i] = (struct output){.source = {.fd = -1, .ready = read_output},
                                          .streams = streams,
                                          .stream = STREAM_STDOUT + i};
}

static void reset(struct streams *streams, struct loop *loop, const struct plan_process *plan,
                  int child[3]) {
  streams_init(streams, loop);
  streams->tty = plan->tty;
  streams->close_with_client = plan->stdin_once;
  child[0] = child[1] = child[2] = -1;
}

int streams_open_foreign(struct streams *streams, struct loop *loop,
                         const struct plan_process *plan, int child[3], struct error *err) {
  reset(streams, loop, plan, child);
  if (plan->tty)
    return 0;
  return open_pipes(streams, plan, child, err) < 0 ? error_stage(err, "stdio") : 0;
}

int streams_open(struct streams *streams, struct loop *loop, const struct plan_process *plan,
                 int devpts, int child[3], struct error *err) {
  reset(streams, loop, plan, child);
  int result = plan->tty ? open_terminal(streams, plan, devpts, child, err)
                         : open_pipes(streams, plan, child, err);
  return result < 0 ? error_stage(err, "stdio") : 0;
}

void streams_resume(struct streams *streams) {
  update_outputs(streams);
}

void streams_start(struct streams *streams) {
  streams->started = true;
  update_outputs(streams);
}

int streams_attach(struct streams *streams, int fd, const bool wants[3], const uint8_t *early,
                   size_t early_size) {
  struct client *client = calloc(1, sizeof *client);
  if (!client)
    return -1;
  client->source = (struct source){.fd = fd, .ready = read_client};
  client->streams = streams;
  memcpy(client->wants, wants, sizeof client->wants);
  client->next = streams->clients;
  streams->clients = client;
  if (early_size > 0 && wants[STREAM_STDIN])
    accept_input(streams, early, early_size);
  watch_client(client);
  return 0;
}

int streams_resize(struct streams *streams, unsigned rows, unsigned columns, struct error *err) {
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  /* As in Docker, a process without a terminal has no size to change and says nothing. */
  if (!streams->tty || streams->input.fd < 0)
    return 0;
  if (ioctl(streams->input.fd, TIOCSWINSZ, &size) < 0)
    return error_set(err, errno, "resize the terminal");
  return 0;
}

void streams_finish(struct streams *streams) {
  close_input(streams);
  for (int i = 0; i < 2; i++) {
    while (streams->outputs[i].source.fd >= 0 && pump(&streams->outputs[i])) {
    }
    close_output(&streams->outputs[i]);
  }
  for (struct client *client = streams->clients; client; client = client->next) {
    client->finishing = true;
    client->input_ended = true;
    end_if_drained(client);
  }
}

void streams_settle(struct streams *streams) {
  for (struct client **link = &streams->clients; *link;) {
    struct client *client = *link;
    if (!client->dead) {
      link = &client->next;
      continue;
    }
    *link = client->next;
    free(client->buffer);
    free(client);
  }
}

void streams_close(struct streams *streams) {
  close_input(streams);
  for (int i = 0; i < 2; i++)
    close_output(&streams->outputs[i]);
  for (struct client *client = streams->clients; client; client = client->next)
    drop_client(client);
  streams_settle(streams);
  free(streams->pending);
  streams->pending = NULL;
}
