#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "loop.h"

enum { BATCH = 32 };

int loop_open(struct loop *loop, struct error *err) {
  loop->stop = false;
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  return loop->epoll < 0 ? error_set(err, errno, "epoll_create1") : 0;
}

int loop_watch(struct loop *loop, struct source *source, uint32_t interest) {
  if (source->added && source->interest == interest)
    return 0;
  struct epoll_event event = {.events = interest, .data.ptr = source};
  if (epoll_ctl(loop->epoll, source->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, source->fd, &event) < 0)
    return -1;
  source->added = true;
  source->interest = interest;
  return 0;
}

void loop_forget(struct loop *loop, struct source *source) {
  if (source->added)
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
  source->added = false;
  source->interest = 0;
}

int loop_run(struct loop *loop, void (*settle)(void *context), void *context, struct error *err) {
  struct epoll_event events[BATCH];
  while (!loop->stop) {
    int count = epoll_wait(loop->epoll, events, BATCH, -1);
    if (count < 0 && errno != EINTR)
      return error_set(err, errno, "epoll_wait");
    for (int i = 0; i < count; i++) {
      struct source *source = events[i].data.ptr;
      /* An earlier event of this batch may have closed it. */
      if (source->added)
        source->ready(source, events[i].events);
    }
    settle(context);
  }
  return 0;
}
