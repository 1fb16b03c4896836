/*
 * The zygote: started once by the engine, forks shims and tasks on request in ~0.1 ms where Node's
 * spawn would copy the engine's address space. It speaks frames on fd 3 and ends
 * with that socket; shims are in sessions of their own and live on.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "descriptor.h"
#include "frame.h"
#include "layer_table.h"
#include "loop.h"
#include "sealed.h"
#include "shim.h"
#include "title.h"
#include "user_namespace.h"

enum { ENGINE_FD = 3, MAX_TASK_OUTPUT = 4096 };

/* A forked child whose answer is still owed to the engine. */
struct child {
  struct source output; /* task: its stderr; shim: its report pipe */
  struct child *next;
  uint32_t request;
  pid_t pid;
  bool is_task, output_ended, exited;
  int status;
  size_t size;
  char text[MAX_TASK_OUTPUT];
};

static struct {
  struct loop loop;
  struct source engine, signals;
  struct frame_reader reader;
  struct child *children;
} zygote;

static void answer_child(struct child *child) {
  struct error err = {0};
  if (child->is_task) {
    bool ok = WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0;
    if (ok) {
      frame_send(ENGINE_FD, child->request, FRAME_OK, NULL, 0);
      return;
    }
    while (child->size > 0 && child->text[child->size - 1] == '\n')
      child->size--;
    if (child->size > 0)
      error_set(&err, 0, "%.*s", (int)child->size, child->text);
    else if (WIFSIGNALED(child->status))
      error_set(&err, 0, "task was killed by signal %d", WTERMSIG(child->status));
    else
      error_set(&err, 0, "task exited with status %d", WEXITSTATUS(child->status));
    error_stage(&err, "task");
  } else if (child->size == 0) {
    frame_send(ENGINE_FD, child->request, FRAME_OK, NULL, 0);
    return;
  } else {
    size_t size = child->size < sizeof err ? child->size : sizeof err;
    memcpy(&err, child->text, size);
  }
  frame_send_error(ENGINE_FD, child->request, FRAME_ERROR, &err);
}

/* A shim's answer is due when its pipe ends; a task's when it also was reaped. */
static void settle_children(void *context) {
  (void)context;
  for (struct child **link = &zygote.children; *link;) {
    struct child *child = *link;
    if (!child->output_ended || (child->is_task && !child->exited)) {
      link = &child->next;
      continue;
    }
    answer_child(child);
    *link = child->next;
    free(child);
  }
}

static void read_output(struct source *source, uint32_t events) {
  struct child *child = (struct child *)source;
  (void)events;
  char overflow[512];
  bool full = child->size == sizeof child->text;
  ssize_t count =
      full ? read(source->fd, overflow, sizeof overflow)
           : read(source->fd, child->text + child->size, sizeof child->text - child->size);
  if (count > 0) {
    child->size += full ? 0 : (size_t)count;
    return;
  }
  if (count < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  loop_forget(&zygote.loop, source);
  close_fd(&source->fd);
  child->output_ended = true;
}

static void reap(struct source *source, uint32_t events) {
  (void)events;
  struct signalfd_siginfo info;
  (void)!read(source->fd, &info, sizeof info);
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (struct child *child = zygote.children; child; child = child->next) {
      if (child->pid == pid) {
        child->exited = true;
        child->status = status;
      }
    }
  }
}

/* In the child: nothing of the zygote stays open but stdio. */
static void leave_zygote(void) {
  close(ENGINE_FD);
  close(zygote.loop.epoll);
  close(zygote.signals.fd);
  for (struct child *child = zygote.children; child; child = child->next)
    close_fd(&child->output.fd);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Runs a subcommand of this binary; its stderr becomes the error message. */
static _Noreturn void run_task(const struct frame *frame, int output, pid_t parent) {
  const char *payload = (const char *)frame->payload;
  size_t limit = 0;
  for (size_t at = 0; at < frame->size; at++)
    limit += payload[at] == '\0';
  char **argv = calloc(limit + 1, sizeof *argv);
  int argc = 0;
  for (size_t at = 0; argv && at < frame->size; at += strlen(payload + at) + 1)
    argv[argc++] = (char *)payload + at;
  for (int number = 1; number < NSIG; number++)
    signal(number, SIG_DFL);
  /* A task may read hostile archives: it ends with the zygote, it is no daemon. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(1); /* which ended before it would have been told */
  dup2(output, STDERR_FILENO);
  int status = command_run(argc, argv);
  fflush(stderr);
  _exit(status);
}

/* The buffer may already hold the next container's plan, which this one must not carry into its
 * init. */
static _Noreturn void become_shim(const struct frame *frame, int report) {
  uint8_t *plan = malloc(frame->size + 1);
  size_t size = plan ? frame->size : 0;
  if (plan)
    memcpy(plan, frame->payload, size);
  frame_reader_free(&zygote.reader);
  title_set("gantry-shim");
  shim_main(plan, size, report);
}

static int fork_child(const struct frame *frame, struct error *err) {
  bool is_task = frame->type == FRAME_RUN_TASK;
  if (is_task && (frame->size == 0 || frame->payload[frame->size - 1] != '\0'))
    return error_set(err, EINVAL, "task without arguments");
  struct child *child = calloc(1, sizeof *child);
  int ends[2];
  if (!child || pipe2(ends, O_CLOEXEC) < 0) {
    free(child);
    return error_set(err, errno, "pipe");
  }
  child->is_task = is_task;
  child->request = frame->request;
  child->output = (struct source){.fd = ends[0], .ready = read_output};
  pid_t own = getpid();
  child->pid = fork();
  if (child->pid == 0) {
    close(ends[0]);
    leave_zygote();
    if (is_task)
      run_task(frame, ends[1], own);
    become_shim(frame, ends[1]);
  }
  int cause = errno;
  close(ends[1]);
  if (child->pid < 0 || loop_watch(&zygote.loop, &child->output, EPOLLIN) < 0) {
    close(ends[0]);
    free(child);
    return error_set(err, cause, "fork");
  }
  child->next = zygote.children;
  zygote.children = child;
  return 0;
}

/* Paths of layer images that the next containers use, or that nobody will use again. */
static int change_layers(const struct frame *frame, struct error *err) {
  const char *payload = (const char *)frame->payload;
  if (frame->size == 0 || payload[frame->size - 1] != '\0')
    return error_set(err, EINVAL, "layers");
  for (size_t at = 0; at < frame->size; at += strlen(payload + at) + 1) {
    if (frame->type == FRAME_FORGET_LAYERS)
      layer_table_forget(payload + at);
    else if (layer_table_add(payload + at, err) < 0)
      return -1;
  }
  return 0;
}

static void read_requests(struct source *source, uint32_t events) {
  (void)events;
  struct error err = {0};
  int count = frame_read(&zygote.reader, source->fd, &err);
  if (count < 0 && err.number == EAGAIN)
    return;
  struct frame frame;
  int more;
  while ((more = frame_next(&zygote.reader, &frame, &err)) > 0) {
    struct error failure = {0};
    if (frame.type == FRAME_ADD_LAYERS || frame.type == FRAME_FORGET_LAYERS) {
      if (change_layers(&frame, &failure) == 0) {
        frame_send(ENGINE_FD, frame.request, FRAME_OK, NULL, 0);
        continue;
      }
    } else if (frame.type != FRAME_FORK && frame.type != FRAME_RUN_TASK)
      error_set(&failure, EINVAL, "unknown request %u", frame.type);
    else if (fork_child(&frame, &failure) == 0)
      continue;
    error_stage(&failure, "zygote");
    frame_send_error(ENGINE_FD, frame.request, FRAME_ERROR, &failure);
  }
  if (count <= 0 || more < 0)
    zygote.loop.stop = true;
}

static int open_signals(struct error *err) {
  /* The engine's terminal and service manager signal whole groups; only the socket's end ends us.
   */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0)
    return error_set(err, errno, "signalfd");
  zygote.signals = (struct source){.fd = fd, .ready = reap};
  return 0;
}

/* What `/` is: two mounts differ in their ids, two directories in their inodes. */
struct root_identity {
  uint64_t mount, inode;
};

static int identify_root(struct root_identity *root, struct error *err) {
  struct statx status;
  if (statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &status) < 0)
    return error_set(err, errno, "statx /");
  *root = (struct root_identity){status.stx_mnt_id, status.stx_ino};
  return 0;
}

/*
 * SECURITY: from a chroot, a container's pivot_root covers the chroot alone: whoever enters the
 * mount namespace (exec, cp) is in the outer root, and CAP_SYS_CHROOT leads out of the container.
 * setns to one's own mount namespace goes to its real root, which must be the one that was there
 * before.
 */
static int refuse_chroot(struct error *err) {
  struct root_identity before, after;
  autoclose int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (identify_root(&before, err) < 0)
    return -1;
  if (own < 0 || setns(own, CLONE_NEWNS) < 0)
    return error_set(err, errno, "enter the mount namespace");
  if (identify_root(&after, err) < 0)
    return -1;
  if (before.mount != after.mount || before.inode != after.inode)
    return error_set(err, EXDEV,
                     "the engine runs in a chroot, from where containers cannot be confined; start "
                     "it in a mount namespace with a root of its own (pivot_root)");
  return 0;
}

static int serve(struct error *err) {
  setsid(); /* fails when Node already made us a leader, which is as good */
  if (fcntl(ENGINE_FD, F_SETFD, FD_CLOEXEC) < 0)
    return error_set(err, errno, "the engine's socket on fd %d", ENGINE_FD);
  if (refuse_chroot(err) < 0)
    return -1;
  /* SECURITY: 2024-21626. Descriptors that the engine leaked must not travel into containers. */
  close_range(ENGINE_FD + 1, ~0U, 0);
  prctl(PR_SET_DUMPABLE, 0);
  umask(0077);
  title_set("gantry-zygote");
  /* Once for all shims. */
  user_namespace_is_child();
  user_namespace_keeps_groups();
  zygote.engine = (struct source){.fd = ENGINE_FD, .ready = read_requests};
  if (open_signals(err) < 0 || loop_open(&zygote.loop, err) < 0)
    return -1;
  if (loop_watch(&zygote.loop, &zygote.engine, EPOLLIN) < 0 ||
      loop_watch(&zygote.loop, &zygote.signals, EPOLLIN) < 0)
    return error_set(err, errno, "epoll_ctl");
  frame_send(ENGINE_FD, 0, FRAME_READY, NULL, 0);
  return loop_run(&zygote.loop, settle_children, NULL, err);
}

int zygote_main(int argc, char **argv) {
  (void)argc;
  struct error err = {0};
  char *arguments[] = {"gantry-shim", argv[0], NULL};
  if (become_sealed(arguments, &err) == 0) {
    /* The sealed binary was given exactly "gantry-shim zygote". */
    title_open(argv[-1], argv[0]);
    if (serve(&err) == 0)
      return 0;
  }
  error_stage(&err, "zygote");
  frame_send_error(ENGINE_FD, 0, FRAME_FAILED, &err);
  return 1;
}
