#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "relay.h"

static struct termios before;
static bool is_raw;

static void make_raw(void) {
  struct termios raw;
  if (tcgetattr(STDIN_FILENO, &before) < 0)
    return;
  raw = before;
  cfmakeraw(&raw);
  is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void restore(void) {
  if (is_raw)
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void pass_size(int master) {
  struct winsize size;
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
    ioctl(master, TIOCSWINSZ, &size);
}

/* false: nothing more will come. */
static bool copy(int from, int to) {
  char chunk[16384];
  ssize_t count = read(from, chunk, sizeof chunk);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  for (ssize_t done = 0; done < count;) {
    ssize_t written = write(to, chunk + done, (size_t)(count - done));
    if (written < 0 && errno == EAGAIN) {
      struct pollfd ready = {.fd = to, .events = POLLOUT};
      poll(&ready, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      return false;
    }
    done += written > 0 ? written : 0;
  }
  return count > 0;
}

static void pass_signal(const struct signalfd_siginfo *info, pid_t pid, int master) {
  if (info->ssi_signo == SIGWINCH && master >= 0)
    pass_size(master);
  else if (info->ssi_signo != SIGCHLD)
    kill(pid, (int)info->ssi_signo);
}

/* Until the child ended. */
static int serve(pid_t pid, int master, int signals) {
  struct pollfd watched[] = {{.fd = signals, .events = POLLIN},
                             {.fd = master, .events = POLLIN},
                             {.fd = master >= 0 ? STDIN_FILENO : -1, .events = POLLIN}};
  int status;
  for (;;) {
    if (waitpid(pid, &status, WNOHANG) == pid)
      break;
    if (poll(watched, 3, -1) < 0 && errno != EINTR)
      return 1 << 8;
    struct signalfd_siginfo info;
    if (watched[0].revents && read(signals, &info, sizeof info) == sizeof info)
      pass_signal(&info, pid, master);
    if (watched[1].revents && !copy(master, STDOUT_FILENO))
      watched[1].fd = -1;
    if (watched[2].revents && !copy(STDIN_FILENO, master))
      watched[2].fd = -1;
  }
  fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
  struct pollfd rest = {.fd = master, .events = POLLIN};
  while (master >= 0 && poll(&rest, 1, 0) > 0 && copy(master, STDOUT_FILENO)) {
  }
  return status;
}

int relay_until_exit(pid_t pid, int master) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  int signals = signalfd(-1, &all, SFD_CLOEXEC);
  if (master >= 0) {
    make_raw();
    pass_size(master);
  }
  int status = serve(pid, master, signals);
  restore();
  return status;
}
