#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "init.h"
#include "title.h"

/* Ends only when the main child does, with its code; every other child is just reaped. */
static void reap(pid_t main_child) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid == main_child)
      _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
}

static _Noreturn void serve(pid_t main_child, const sigset_t *signals) {
  title_set("gantry-init");
  /* A pipe must see its end when the program closes it, and the sync socket's end means its execve.
   */
  close_range(0, ~0U, 0);
  for (;;) {
    siginfo_t info;
    int number = sigwaitinfo(signals, &info);
    if (number == SIGCHLD)
      reap(main_child);
    else if (number > 0)
      kill(main_child, number);
  }
}

int init_fork(struct error *err) {
  sigset_t signals, previous;
  sigfillset(&signals);
  sigprocmask(SIG_BLOCK, &signals, &previous);
  pid_t pid = fork();
  if (pid < 0) {
    error_set(err, errno, "fork the process of init");
    return error_stage(err, "exec");
  }
  if (pid > 0)
    serve(pid, &signals);
  sigprocmask(SIG_SETMASK, &previous, NULL);
  /* A process group of its own, as with tini: the terminal's signals go there. */
  setpgid(0, 0);
  if (isatty(STDIN_FILENO)) {
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(STDIN_FILENO, getpid());
    signal(SIGTTOU, SIG_DFL);
  }
  return 0;
}

int init_main(int argc, char **argv) {
  struct error err = {0};
  if (argc < 2)
    return 1;
  if (init_fork(&err) < 0) {
    fprintf(stderr, "init: %s\n", err.message);
    return 1;
  }
  execvp(argv[1], argv + 1);
  fprintf(stderr, "init: exec %s failed: %s\n", argv[1], strerror(errno));
  return errno == ENOENT ? 127 : 126;
}
