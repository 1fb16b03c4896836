#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "descriptor.h"
#include "stdio.h"

enum {
  CLIENT_LIMIT = 1 << 20, /* a slower client stops the container's output, as Docker does */
  CHUNK = 65536,
  STREAM_HEADER = 8,
};

static void read_client(struct source *source, uint32_t events);
static void update_outputs(struct stdio *stdio);

/* --- clients: towards the engine --- */

static bool is_over_limit(const struct stdio *stdio) {
  for (const struct client *client = stdio->clients; client; client = client->next) {
    if (!client->dead && client->used > CLIENT_LIMIT)
      return true;
  }
  return false;
}

static void drop_client(struct client *client) {
  if (client->dead)
    return;
  loop_forget(client->stdio->loop, &client->source);
  close_fd(&client->source.fd);
  client->dead = true;
  update_outputs(client->stdio);
}

static void watch_client(struct client *client) {
  bool reads = !client->input_ended && client->stdio->pending_used == 0;
  loop_watch(client->stdio->loop, &client->source,
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
  update_outputs(client->stdio);
}

/* Straight into the socket when nothing is waiting; the rest is kept. */
static void send_output(struct client *client, int stream, const uint8_t *data, size_t size) {
  uint8_t header[STREAM_HEADER] = {
      (uint8_t)stream, 0, 0, 0, (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
      (uint8_t)size};
  size_t prefix = client->stdio->tty ? 0 : STREAM_HEADER;
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
  loop_forget(output->stdio->loop, &output->source);
  close_fd(&output->source.fd);
  if (output->stdio->log)
    log_end(output->stdio->log, output->stream);
}

/* false: nothing more for now, or ever. */
static bool pump(struct output *output) {
  static uint8_t chunk[CHUNK];
  struct stdio *stdio = output->stdio;
  ssize_t count = read(output->source.fd, chunk, sizeof chunk);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return errno == EINTR;
  if (count <= 0) { /* a terminal without a user reads EIO */
    close_output(output);
    return false;
  }
  if (stdio->log)
    log_write(stdio->log, output->stream, (char *)chunk, (size_t)count);
  for (struct client *client = stdio->clients; client; client = client->next) {
    if (!client->dead && client->wants[output->stream])
      send_output(client, output->stream, chunk, (size_t)count);
  }
  return true;
}

static void read_output(struct source *source, uint32_t events) {
  struct output *output = (struct output *)source;
  (void)events;
  pump(output);
  if (is_over_limit(output->stdio))
    update_outputs(output->stdio);
}

static void update_outputs(struct stdio *stdio) {
  bool stopped = !stdio->started || is_over_limit(stdio);
  for (int i = 0; i < 2; i++) {
    struct output *output = &stdio->outputs[i];
    if (output->source.fd < 0)
      continue;
    /* Removed, not masked: a hang-up would be told again and again. */
    if (stopped)
      loop_forget(stdio->loop, &output->source);
    else
      loop_watch(stdio->loop, &output->source, EPOLLIN);
  }
}

/* --- input: to the process --- */

static void close_input(struct stdio *stdio) {
  if (stdio->input.fd < 0)
    return;
  loop_forget(stdio->loop, &stdio->input);
  close_fd(&stdio->input.fd);
  stdio->pending_used = 0;
}

static void watch_clients(struct stdio *stdio) {
  for (struct client *client = stdio->clients; client; client = client->next) {
    if (!client->dead)
      watch_client(client);
  }
}

static void write_input(struct source *source, uint32_t events) {
  struct stdio *stdio = (struct stdio *)((char *)source - offsetof(struct stdio, input));
  (void)events;
  while (stdio->pending_used > 0) {
    ssize_t count = write(source->fd, stdio->pending + stdio->pending_start, stdio->pending_used);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && errno == EAGAIN) {
      loop_watch(stdio->loop, source, EPOLLOUT);
      return;
    }
    if (count < 0) { /* the process closed its stdin: the rest has no reader */
      close_input(stdio);
      break;
    }
    stdio->pending_start += (size_t)count;
    stdio->pending_used -= (size_t)count;
  }
  free(stdio->pending);
  stdio->pending = NULL;
  loop_forget(stdio->loop, source);
  if (stdio->input_closing)
    close_input(stdio);
  watch_clients(stdio);
}

/* Clients are not read while input is pending, so that it stays bounded by what their sockets hold.
 */
static void accept_input(struct stdio *stdio, const uint8_t *data, size_t size) {
  if (stdio->input.fd < 0 || stdio->input_closing || size == 0)
    return;
  uint8_t *joined = malloc(stdio->pending_used + size);
  if (!joined)
    return;
  if (stdio->pending_used > 0)
    memcpy(joined, stdio->pending + stdio->pending_start, stdio->pending_used);
  memcpy(joined + stdio->pending_used, data, size);
  free(stdio->pending);
  stdio->pending = joined;
  stdio->pending_start = 0;
  stdio->pending_used += size;
  write_input(&stdio->input, 0);
}

/* With a terminal there is nothing to close: its other half still shows output. */
static void end_input(struct client *client) {
  struct stdio *stdio = client->stdio;
  client->input_ended = true;
  if (!client->wants[STREAM_STDIN] || !stdio->close_with_client || stdio->tty)
    return;
  if (stdio->pending_used > 0)
    stdio->input_closing = true;
  else
    close_input(stdio);
}

static void read_client(struct source *source, uint32_t events) {
  struct client *client = (struct client *)source;
  static uint8_t chunk[CHUNK];
  if (events & EPOLLOUT)
    flush_client(client);
  bool gone = events & (EPOLLHUP | EPOLLERR);
  if (client->dead || (!gone && (!(events & EPOLLIN) || client->stdio->pending_used > 0)))
    return;
  ssize_t count = client->input_ended ? 0 : recv(source->fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (count > 0) {
    if (client->wants[STREAM_STDIN])
      accept_input(client->stdio, chunk, (size_t)count);
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

static int open_terminal(struct stdio *stdio, const struct plan_process *plan, int devpts,
                         int child[3], struct error *err) {
  /* SECURITY: 2025-52565. From the devpts that we mounted, by descriptor; the container cannot
   * stand in between. */
  autoclose int master = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  struct stat stat;
  if (master < 0 || fstat(master, &stat) < 0 || stat.st_rdev != makedev(5, 2))
    return error_set(err, errno ? errno : ENOTTY, "open a terminal");
  int unlocked = 0;
  if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
    return error_set(err, errno, "unlock the terminal");
  child[0] = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (child[0] < 0)
    return error_set(err, errno, "open the terminal's peer");
  child[1] = fcntl(child[0], F_DUPFD_CLOEXEC, 3);
  child[2] = fcntl(child[0], F_DUPFD_CLOEXEC, 3);
  stdio->outputs[0].source.fd = fcntl(master, F_DUPFD_CLOEXEC, 3);
  stdio->input.fd = take_fd(&master);
  if (child[1] < 0 || child[2] < 0 || stdio->outputs[0].source.fd < 0)
    return error_set(err, errno, "open a terminal");
  return plan->rows && plan->columns ? stdio_resize(stdio, plan->rows, plan->columns, err) : 0;
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

static int open_pipes(struct stdio *stdio, const struct plan_process *plan, int child[3],
                      struct error *err) {
  if (plan->open_stdin) {
    if (open_pipe(&stdio->input.fd, &child[0], false, err) < 0)
      return -1;
  } else {
    child[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (child[0] < 0)
      return error_set(err, errno, "open /dev/null");
  }
  if (open_pipe(&stdio->outputs[0].source.fd, &child[1], true, err) < 0)
    return -1;
  return open_pipe(&stdio->outputs[1].source.fd, &child[2], true, err);
}

int stdio_open(struct stdio *stdio, struct loop *loop, const struct plan_process *plan, int devpts,
               int child[3], struct error *err) {
  *stdio = (struct stdio){.loop = loop, .tty = plan->tty, .close_with_client = plan->stdin_once};
  stdio->input = (struct source){.fd = -1, .ready = write_input};
  for (int i = 0; i < 2; i++)
    stdio->outputs[i] = (struct output){
        .source = {.fd = -1, .ready = read_output}, .stdio = stdio, .stream = STREAM_STDOUT + i};
  child[0] = child[1] = child[2] = -1;
  int result = plan->tty ? open_terminal(stdio, plan, devpts, child, err)
                         : open_pipes(stdio, plan, child, err);
  return result < 0 ? error_stage(err, "stdio") : 0;
}

void stdio_start(struct stdio *stdio) {
  stdio->started = true;
  update_outputs(stdio);
}

int stdio_attach(struct stdio *stdio, int fd, const bool wants[3], const uint8_t *early,
                 size_t early_size) {
  struct client *client = calloc(1, sizeof *client);
  if (!client)
    return -1;
  client->source = (struct source){.fd = fd, .ready = read_client};
  client->stdio = stdio;
  memcpy(client->wants, wants, sizeof client->wants);
  client->next = stdio->clients;
  stdio->clients = client;
  if (early_size > 0 && wants[STREAM_STDIN])
    accept_input(stdio, early, early_size);
  watch_client(client);
  return 0;
}

int stdio_resize(struct stdio *stdio, unsigned rows, unsigned columns, struct error *err) {
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  if (!stdio->tty || stdio->input.fd < 0)
    return error_set(err, ENOTTY, "the process has no terminal");
  if (ioctl(stdio->input.fd, TIOCSWINSZ, &size) < 0)
    return error_set(err, errno, "resize the terminal");
  return 0;
}

void stdio_finish(struct stdio *stdio) {
  close_input(stdio);
  for (int i = 0; i < 2; i++) {
    while (stdio->outputs[i].source.fd >= 0 && pump(&stdio->outputs[i])) {
    }
    close_output(&stdio->outputs[i]);
  }
  for (struct client *client = stdio->clients; client; client = client->next) {
    client->finishing = true;
    client->input_ended = true;
    end_if_drained(client);
  }
}

void stdio_settle(struct stdio *stdio) {
  for (struct client **link = &stdio->clients; *link;) {
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

void stdio_close(struct stdio *stdio) {
  close_input(stdio);
  for (int i = 0; i < 2; i++)
    close_output(&stdio->outputs[i]);
  for (struct client *client = stdio->clients; client; client = client->next)
    drop_client(client);
  stdio_settle(stdio);
  free(stdio->pending);
  stdio->pending = NULL;
}
