/* The standard streams of one process: pipes or a terminal <-> log file and attached clients. */
#ifndef GANTRY_STDIO_H
#define GANTRY_STDIO_H

#include <stdbool.h>

#include "log_file.h"
#include "loop.h"
#include "plan.h"

struct stdio;

/* An attached connection: receives output (Docker's frames, or raw with a terminal), may send input. */
struct client {
  struct source source;
  struct client *next;
  struct stdio *stdio;
  bool wants[3]; /* by STREAM_* */
  bool input_ended, finishing, dead;
  uint8_t *buffer; /* output that the connection did not take yet */
  size_t start, used, capacity;
};

struct output {
  struct source source;
  struct stdio *stdio;
  int stream;
};

struct stdio {
  struct loop *loop;
  struct log_file *log; /* NULL: none */
  bool tty, close_with_client, started;
  struct source input; /* our end of stdin, fd -1: none */
  bool input_closing;  /* close once `pending` is written */
  uint8_t *pending;    /* input that the process did not take yet */
  size_t pending_start, pending_used;
  struct output outputs[2];
  struct client *clients;
};

/*
 * Makes the pipes, or a terminal from the container's own devpts (`devpts`: directory descriptor of it). `child`
 * receives the process' three ends, which the caller closes after the fork.
 */
int stdio_open(struct stdio *stdio, struct loop *loop, const struct plan_process *plan, int devpts,
               int child[3], struct error *err);

/* Output flows from now on. */
void stdio_start(struct stdio *stdio);

/* Takes over `fd`; `early` is input that arrived with the request. */
int stdio_attach(struct stdio *stdio, int fd, const bool wants[3], const uint8_t *early, size_t early_size);

int stdio_resize(struct stdio *stdio, unsigned rows, unsigned columns, struct error *err);

/* The process has ended: what it left in the pipes goes out, then the clients are told the end. */
void stdio_finish(struct stdio *stdio);

/* Frees clients that are gone; between batches only. */
void stdio_settle(struct stdio *stdio);

/* Closes everything at once. */
void stdio_close(struct stdio *stdio);

#endif
