/* A small epoll loop. A source is embedded in its owner, which finds itself again by offset or by
 * being first. */
#ifndef GANTRY_LOOP_H
#define GANTRY_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct source {
  int fd;
  uint32_t interest; /* EPOLLIN, EPOLLOUT; kept in step with the kernel */
  bool added;
  void (*ready)(struct source *source, uint32_t events);
};

struct loop {
  int epoll;
  bool stop;
};

int loop_open(struct loop *loop, struct error *err);
/* Adds, changes or (interest 0 and `added`) keeps only EPOLLHUP and EPOLLERR, which are always
 * told. */
int loop_watch(struct loop *loop, struct source *source, uint32_t interest);
void loop_forget(struct loop *loop, struct source *source);
/* Runs until `stop`; `settle` is called after each batch, when no event of the batch is left: free
 * things there. */
int loop_run(struct loop *loop, void (*settle)(void *context), void *context, struct error *err);

#endif
