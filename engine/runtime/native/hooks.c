#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "descriptor.h"
#include "hooks.h"

enum { MAX_STATE_BYTES = 1 << 20, MAX_OUTPUT = 200 };

struct output {
  int fd;
  size_t size;
  char text[MAX_OUTPUT + 1];
};

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* SECURITY: the hook's environment is its own, and nothing of ours stays open in it. */
static _Noreturn void execute(const struct plan_hook *hook, int input, int output) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
    _exit(127);
  close_range(3, ~0U, 0);
  const char *const bare[] = {hook->path, NULL};
  execve(hook->path, hook->argv.count > 0 ? (char **)hook->argv.items : (char **)bare,
         (char **)hook->env.items);
  dprintf(2, "exec %s: %s", hook->path, strerror(errno));
  _exit(127);
}

/* The pipe is made large enough, so that a hook that does not read cannot hold us up. */
static int write_state(int fd, const struct plan_hook *hook, pid_t pid) {
  fcntl(fd, F_SETPIPE_SZ, MAX_STATE_BYTES);
  fcntl(fd, F_SETFL, O_WRONLY | O_NONBLOCK);
  return dprintf(fd, "%s%d%s", hook->head, pid, hook->tail) < 0 ? -1 : 0;
}

/* false at its end. Only the beginning is kept. */
static bool collect(struct output *output) {
  char overflow[512];
  size_t left = MAX_OUTPUT - output->size;
  ssize_t count = left > 0 ? read(output->fd, output->text + output->size, left)
                           : read(output->fd, overflow, sizeof overflow);
  if (count > 0 && left > 0)
    output->size += (size_t)count;
  output->text[output->size] = '\0';
  return count > 0;
}

/* Until it ended, or -1 with ETIMEDOUT. Its output may be kept open by what it leaves behind. */
static int await_end(int process, struct output *output, uint32_t timeout_ms) {
  long deadline = now_ms() + timeout_ms;
  struct pollfd watched[] = {{.fd = process, .events = POLLIN},
                             {.fd = output->fd, .events = POLLIN}};
  for (;;) {
    long left = timeout_ms ? deadline - now_ms() : -1;
    if (timeout_ms && left <= 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    if (poll(watched, 2, (int)left) < 0 && errno != EINTR)
      return -1;
    if (watched[1].revents && !collect(output))
      watched[1].fd = -1;
    if (watched[0].revents)
      return 0;
  }
}

static int judge(const struct plan_hook *hook, int status, struct output *output,
                 struct error *err) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return 0;
  fcntl(output->fd, F_SETFL, O_RDONLY | O_NONBLOCK);
  while (collect(output)) {
  }
  int code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  return error_set(err, 0, "error running hook %s: %s %d, output: %s", hook->path,
                   WIFSIGNALED(status) ? "killed by signal" : "exit status", code, output->text);
}

static int run(const struct plan_hook *hook, pid_t pid, struct error *err) {
  int input[2], output[2];
  if (pipe2(input, O_CLOEXEC) < 0)
    return error_set(err, errno, "pipe");
  if (pipe2(output, O_CLOEXEC) < 0) {
    close(input[0]);
    close(input[1]);
    return error_set(err, errno, "pipe");
  }
  pid_t child = fork();
  if (child == 0)
    execute(hook, input[0], output[1]);
  close(output[1]);
  struct output collected = {.fd = output[0]};
  autoclose int process = child > 0 ? pidfd_open(child, 0) : -1;
  int status = -1, result = child < 0 || process < 0 ? error_set(err, errno, "fork a hook") : 0;
  /* A hook that ends without reading is no error: the reader's end is ours, too. */
  if (result == 0)
    write_state(input[1], hook, pid);
  close(input[1]);
  if (result == 0 && await_end(process, &collected, hook->timeout_ms) < 0) {
    result = error_set(err, errno, "error running hook %s", hook->path);
    kill(child, SIGKILL);
  }
  if (child > 0)
    waitpid(child, &status, 0);
  if (result == 0)
    result = judge(hook, status, &collected, err);
  close(input[0]);
  close(output[0]);
  return result;
}

int hooks_run(const struct plan_hooks *hooks, enum hook_moment moment, pid_t pid,
              struct error *err) {
  for (size_t i = 0; i < hooks->count; i++) {
    if (hooks->items[i].moment == moment && run(&hooks->items[i], pid, err) < 0)
      return error_stage(err, "hook");
  }
  return 0;
}
