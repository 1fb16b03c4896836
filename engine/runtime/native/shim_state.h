/* What the parts of the supervisor share: shim.c (life), control.c (connections), task.c
 * (processes). */
#ifndef GANTRY_SHIM_STATE_H
#define GANTRY_SHIM_STATE_H

#include <sys/types.h>

#include "external.h"
#include "frame.h"
#include "loop.h"
#include "plan.h"
#include "rootfs.h"
#include "streams.h"

/* PID 1 or an exec. */
struct task {
  struct source sync; /* set-up socket; its end means that execve succeeded */
  struct task *next;
  const char *id; /* exec id; "" for PID 1 */
  struct plan plan;
  struct streams streams;
  pid_t pid;
  int connection; /* exec: who asked and becomes the client, until answered; -1 */
  bool wants[3], detached;
  uint8_t *early; /* input that came with the request */
  size_t early_size;
  bool executed, exited;
  int status;
  pid_t runner; /* the external runtime's `exec` that is starting it, else 0 */
  struct external_start start;
};

/* A connection that speaks frames: fresh, or a control connection. */
struct connection {
  struct source source;
  struct connection *next;
  struct frame_reader reader;
  bool is_control, dead;
};

struct shim {
  struct loop loop;
  struct source listener, signals, oom;
  struct plan plan;
  const struct container_plan *container; /* in plan */
  struct rootfs_sources rootfs;
  struct log_file *log;
  struct connection *connections;
  struct task *tasks; /* the last one is PID 1 */
  struct task *main;
  int run_directory, pidfd;
  unsigned long oom_kills, oom_told; /* counted before the run; told so far */
  struct connection *starter;        /* asked for START and is not answered yet */
  uint32_t start_request;
  bool ended;
  struct error failure; /* set-up failed: told to the control connection, then the shim ends */
};

extern struct shim shim;

/* control.c: frames in, frames out. */
int control_listen(struct error *err);
void control_stop_listening(void);
void control_broadcast(uint8_t type, const void *payload, size_t size);
void control_settle(void);

/* task.c: one process each. */
/* PID 1, which sets itself up; task_await_main() waits until it waits for its start. */
int task_create_main(struct error *err);
int task_await_main(struct error *err);
int task_start_main(struct error *err);
void task_answer_start(const struct error *failure);
/* Tells who asked for the exec; its process runs from then on. */
void task_answer_exec(struct task *task, const struct error *failure);
/* The process has ended. */
void task_end(struct task *task, int status);
void task_create_exec(struct connection *connection, const struct frame *frame);
struct task *task_find(const char *id);
void task_reap(void);
void task_settle(void);

/* external_task.c: the same where an external runtime makes the processes. */
int external_task_create(struct task *task, struct error *err);
int external_task_start(struct error *err);
int external_task_exec(struct task *task, struct error *err);
/* Whether `pid` was a runtime's `exec`; then its process runs, or failed. */
bool external_task_reaped(pid_t pid, int status);
/* A child that was nobody's: of an exec that ended before its runtime did. */
void external_task_orphan(pid_t pid, int status);

/* exit_record.c: what is left behind for an engine that was not there. */
int exit_record_write(int directory, int exit_code, int signal, bool oom_killed,
                      const char *finished_at, struct error *err);

#endif
