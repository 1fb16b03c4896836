/* The standard streams of one process: pipes or a terminal <-> log file and attached clients. */
#ifndef GANTRY_STREAMS_H
#define GANTRY_STREAMS_H

#include <stdbool.h>

#include "log_file.h"
#include "loop.h"
#include "plan.h"

struct streams;

/* An attached connection: receives output (Docker's frames, or raw with a terminal), may send
 * input. */
struct client {
  struct source source;
  struct client *next;
  struct streams *streams;
  bool wants[3]; /* by STREAM_* */
  bool input_ended, finishing, dead;
  uint8_t *buffer; /* output that the connection did not take yet */
  size_t start, used, capacity;
};

struct output {
  struct source source;
  struct streams *streams;
  int stream;
};

struct streams {
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

/* Nothing is open: what was never opened may be closed, too. */
void streams_init(struct streams *streams, struct loop *loop);

/*
 * Makes the pipes, or a terminal from the container's own devpts (`devpts`: directory descriptor of
 * it). `child` receives the process' three ends, which the caller closes after the fork.
 */
int streams_open(struct streams *streams, struct loop *loop, const struct plan_process *plan,
                 int devpts, int child[3], struct error *err);

/*
 * For a process that somebody else starts: without a terminal the same, with one its three ends are
 * the null device until streams_adopt brings the terminal's master.
 */
int streams_open_foreign(struct streams *streams, struct loop *loop,
                         const struct plan_process *plan, int child[3], struct error *err);

/* Takes over the master of the process' terminal. */
int streams_adopt(struct streams *streams, const struct plan_process *plan, int master,
                  struct error *err);

/* Output flows from now on. */
void streams_start(struct streams *streams);

/* Takes over `fd`; `early` is input that arrived with the request. */
int streams_attach(struct streams *streams, int fd, const bool wants[3], const uint8_t *early,
                   size_t early_size);

/* Takes output again that the log or a client had held back, if they do not any more. */
void streams_resume(struct streams *streams);

int streams_resize(struct streams *streams, unsigned rows, unsigned columns, struct error *err);

/* The process has ended: what it left in the pipes goes out, then the clients are told the end. */
void streams_finish(struct streams *streams);

/* Frees clients that are gone; between batches only. */
void streams_settle(struct streams *streams);

/* Closes everything at once. */
void streams_close(struct streams *streams);

#endif
