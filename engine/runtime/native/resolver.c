/*
 * Birth of the resolver: sockets are made where they belong, then everything is given up before the
 * first byte of the container is read.
 *
 * SECURITY: it reads what the container sends. It runs as nobody, without capabilities, in an empty
 * root (the directory of name tables), may open no executable, signal nobody and make no socket but
 * those of IP (seccomp). A flaw in it ends it; the supervisor forks another.
 */
#include "resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "interfaces.h"
#include "netfilter.h"
#include "resolver_loop.h"
#include "standard_streams.h"
#include "title.h"
#include "user_namespace.h"

enum { NOBODY = 65534, PLAIN_PORT = 53, MAX_MEMORY = 64 << 20 };

static int bind_socket(int type, uint16_t port, struct error *err) {
  autoclose int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons(port),
      .sin_addr = {htonl(RESOLVER_ADDRESS)},
  };
  int on = 1;
  /* A second resolver follows a dead one, whose connections linger. */
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
      (type == SOCK_STREAM && listen(fd, 64) < 0))
    return error_set(err, errno, "dns socket on port %u", port);
  return take_fd(&fd);
}

/*
 * Rules of the namespace lead port 53 of the address here, so that a server in the container can
 * still have port 53 of all its addresses. On a kernel without them we are on 53 ourselves.
 */
static int listen_inside(const struct plan_resolver *plan, struct resolver_sockets *sockets,
                         struct error *err) {
  uint16_t port = (uint16_t)plan->port;
  const struct plan_interfaces loopback = {0};
  /* PID 1 does the same at its own time; without it there is no address to bind to. */
  if (interfaces_configure(&loopback, err) < 0)
    return -1;
  if (netfilter_apply(plan->rules.data, plan->rules.size, err) < 0)
    port = PLAIN_PORT;
  *err = (struct error){0};
  sockets->udp = bind_socket(SOCK_DGRAM, port, err);
  sockets->tcp = sockets->udp < 0 ? -1 : bind_socket(SOCK_STREAM, port, err);
  return sockets->tcp < 0 ? -1 : 0;
}

static void open_host_sockets(struct resolver_sockets *sockets) {
  for (size_t i = 0; i < RESOLVER_HOST_SOCKETS; i++) {
    int type = i < RESOLVER_HOST_STREAMS ? SOCK_STREAM : SOCK_DGRAM;
    sockets->host[i] = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  }
}

static int drop_privileges(pid_t supervisor, struct error *err) {
  struct rlimit memory = {MAX_MEMORY, MAX_MEMORY};
  struct rlimit files = {1024, 1024};
  setrlimit(RLIMIT_AS, &memory);
  setrlimit(RLIMIT_NOFILE, &files);
  if (chroot(".") < 0)
    return error_set(err, errno, "chroot");
  /* In a user namespace that maps one id there is nobody else to become. */
  setgroups(0, NULL);
  bool changed = setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
  if (!changed && errno != EINVAL)
    return error_set(err, errno, "become nobody");
  struct {
    uint32_t version;
    int pid;
  } header = {0x20080522, 0};
  uint32_t none[6] = {0};
  if (syscall(SYS_capset, &header, none) < 0)
    return error_set(err, errno, "drop capabilities");
  prctl(PR_SET_DUMPABLE, 0);
  /* Changing the user cleared it (commit_creds); a parent that died meanwhile is not told any more.
   */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor)
    return error_set(err, ESRCH, "the supervisor died");
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? error_set(err, errno, "no_new_privs") : 0;
}

#if defined(__x86_64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOAD(FIELD) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, FIELD))
#define ALLOW(NAME)                                                                                \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##NAME, 0, 1),                                           \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

static int install_filter(struct error *err) {
  struct sock_filter filter[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 1, 0),
      KILL,
      LOAD(nr),
      ALLOW(epoll_pwait),
      ALLOW(epoll_ctl),
#ifdef SYS_epoll_wait
      ALLOW(epoll_wait),
#endif
      ALLOW(recvfrom),
      ALLOW(sendto),
      ALLOW(read),
      ALLOW(write),
      ALLOW(close),
      ALLOW(newfstatat),
      ALLOW(fstat),
      ALLOW(openat),
      ALLOW(accept4),
      ALLOW(connect),
      ALLOW(getsockopt),
      ALLOW(setsockopt),
      ALLOW(clock_gettime),
      ALLOW(timerfd_settime),
      ALLOW(getrandom),
      ALLOW(brk),
      ALLOW(mmap),
      ALLOW(munmap),
      ALLOW(mremap),
      ALLOW(madvise),
      ALLOW(exit_group),
      ALLOW(rt_sigreturn),
      ALLOW(restart_syscall),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0),
      KILL,
      LOAD(args[0]),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      KILL,
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
    return error_set(err, errno, "seccomp filter of the resolver");
  return 0;
}

/* Nothing of the supervisor stays open: its log, its clients, the container's streams. */
static int keep_only(struct resolver_sockets *sockets, int *report, struct error *err) {
  enum { FIRST = 3 };
  if (standard_streams_silence(err) < 0)
    return -1;
  int wanted[RESOLVER_HOST_SOCKETS + 3], moved[RESOLVER_HOST_SOCKETS + 3];
  size_t count = 0;
  wanted[count++] = *report;
  wanted[count++] = sockets->udp;
  wanted[count++] = sockets->tcp;
  for (size_t i = 0; i < RESOLVER_HOST_SOCKETS; i++)
    wanted[count++] = sockets->host[i];
  /* First above everything, then down: no target is still needed as a source. */
  for (size_t i = 0; i < count; i++)
    moved[i] = wanted[i] < 0 ? -1 : fcntl(wanted[i], F_DUPFD_CLOEXEC, 512);
  for (size_t i = 0; i < count; i++) {
    if (moved[i] >= 0 && dup3(moved[i], FIRST + (int)i, O_CLOEXEC) < 0)
      return error_set(err, errno, "dup3");
    wanted[i] = moved[i] < 0 ? -1 : FIRST + (int)i;
  }
  close_range(FIRST + (unsigned)count, ~0U, 0);
  *report = wanted[0];
  sockets->udp = wanted[1];
  sockets->tcp = wanted[2];
  memcpy(sockets->host, wanted + 3, sizeof sockets->host);
  return 0;
}

static int set_up(const struct plan_resolver *plan, int pidfd, struct resolver_sockets *sockets,
                  int *report, struct error *err) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_IGN);
  pid_t supervisor = getppid();
  title_set("gantry-dns");
  if (chdir(plan->directory) < 0)
    return error_set(err, errno, "enter %s", plan->directory);
  open_host_sockets(sockets);
  if (setns(pidfd, CLONE_NEWNET) < 0)
    return error_set(err, errno, "enter the network namespace");
  if (listen_inside(plan, sockets, err) < 0 || keep_only(sockets, report, err) < 0 ||
      resolver_prepare(sockets, plan->id, err) < 0)
    return -1;
  return drop_privileges(supervisor, err) < 0 || install_filter(err) < 0 ? -1 : 0;
}

static _Noreturn void resolver_main(const struct plan_resolver *plan, int pidfd, int report) {
  struct error err = {0};
  struct resolver_sockets sockets = {.udp = -1, .tcp = -1};
  if (set_up(plan, pidfd, &sockets, &report, &err) < 0) {
    (void)!write(report, &err, sizeof err);
    _exit(1);
  }
  close(report);
  resolver_run();
  _exit(0);
}

/*
 * Execs leave the supervisor's next children to the container's pid namespace, where nobody of ours
 * belongs. An ordinary user's supervisor may not go back to the namespace it runs in itself; there
 * a second resolver is born inside.
 */
static int return_to_own_pids(struct error *err) {
  struct stat own, next;
  autoclose int fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &own) < 0 || stat("/proc/self/ns/pid_for_children", &next) < 0)
    return error_set(err, errno, "look up the pid namespace");
  if (own.st_ino == next.st_ino || setns(fd, CLONE_NEWPID) == 0 ||
      (errno == EPERM && user_namespace_is_child()))
    return 0;
  return error_set(err, errno, "return to the pid namespace");
}

pid_t resolver_fork(const struct plan_resolver *plan, int pidfd, struct error *err) {
  int ends[2];
  if (return_to_own_pids(err) < 0)
    return -1;
  if (pipe2(ends, O_CLOEXEC) < 0)
    return error_set(err, errno, "pipe");
  pid_t pid = fork();
  if (pid == 0)
    resolver_main(plan, pidfd, ends[1]);
  int cause = errno;
  close(ends[1]);
  struct error failure;
  ssize_t size = 0;
  while (pid > 0 && (size = read(ends[0], &failure, sizeof failure)) < 0 && errno == EINTR)
    ;
  close(ends[0]);
  if (pid < 0)
    return error_set(err, cause, "fork");
  if (size != sizeof failure)
    return pid;
  *err = failure;
  return error_wrap(err, "dns server");
}
