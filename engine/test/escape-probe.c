/*
 * What a hostile container tries. `escape-probe surface` prints `name errno` per forbidden system
 * call (0: it worked), `spy SECONDS` looks for processes of the runtime on their way into the
 * container and prints what it got hold of, `swap A B` exchanges two names for ever.
 * Built by test-program.ts.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { X32 = 0x40000000, MAX_PATH = 4096 };

static void report(const char *name, long result) {
  int number = result < 0 ? errno : 0;
  printf("%s %d\n", name, number);
}

/* The 32-bit entry: other numbers, and a filter that looks at 64-bit ones alone would not see them.
 */
static long call32(long number, long a, long b, long c) {
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
  result = (int)result;
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
#else
  (void)number, (void)a, (void)b, (void)c;
  errno = ENOSYS;
  return -1;
#endif
}

/* A filter may answer with a signal: then the child's death is the answer. */
static void report_in_child(const char *name, long (*attempt)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    report(name, attempt());
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    printf("%s killed\n", name);
}

static long alg32(void) {
  return call32(359, AF_ALG, SOCK_SEQPACKET, 0);
}
static long socketcall32(void) {
  static uint32_t arguments[3] = {AF_ALG, SOCK_SEQPACKET, 0};
  return call32(102, 1, (long)arguments, 0);
}
static long keyctl32(void) {
  return call32(288, 0, 0, 0);
}
static long bpf32(void) {
  return call32(357, 0, 0, 0);
}
static long uring32(void) {
  return call32(425, 1, 0, 0);
}
static long unshare32(void) {
  return call32(310, CLONE_NEWUSER, 0, 0);
}
static long alg_x32(void) {
  return syscall(X32 | SYS_socket, AF_ALG, SOCK_SEQPACKET, 0);
}
static long mount_x32(void) {
  return syscall(X32 | SYS_mount, "none", "/tmp", "tmpfs", 0, "");
}
static long bpf_x32(void) {
  return syscall(X32 | SYS_bpf, 0, 0, 0);
}

static void surface(void) {
  report("socket(AF_ALG)", socket(AF_ALG, SOCK_SEQPACKET, 0));
  report("socket(AF_VSOCK)", socket(AF_VSOCK, SOCK_STREAM, 0));
  report("socket(AF_RXRPC)", socket(33, SOCK_DGRAM, 0));
  report("io_uring_setup", syscall(SYS_io_uring_setup, 1, 0));
  report("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
  report("add_key", syscall(SYS_add_key, "user", "x", "y", 1, 0));
  report("request_key", syscall(SYS_request_key, "user", "x", 0, 0));
  report("bpf", syscall(SYS_bpf, 0, 0, 0));
  report("userfaultfd", syscall(SYS_userfaultfd, 0));
  report("perf_event_open", syscall(SYS_perf_event_open, 0, 0, 0, 0, 0));
  report("kexec_load", syscall(SYS_kexec_load, 0, 0, 0, 0));
  report("init_module", syscall(SYS_init_module, 0, 0, ""));
  report("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, 0, 0));
  report("unshare(user)", unshare(CLONE_NEWUSER));
  report("setns", setns(open("/proc/1/ns/mnt", O_RDONLY), 0));
  report("mount", mount("none", "/tmp", "tmpfs", 0, ""));
  report("umount", umount2("/proc", MNT_DETACH));
  report("fsopen", syscall(SYS_fsopen, "proc", 0));
  report("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
  report("move_mount", syscall(SYS_move_mount, -1, "", -1, "", 0));
  report("pivot_root", syscall(SYS_pivot_root, ".", "."));
  report("swapon", syscall(SYS_swapon, "/tmp/x", 0));
  report("iopl", syscall(SYS_iopl, 3));
  report("settimeofday", syscall(SYS_clock_settime, CLOCK_REALTIME, &(struct timespec){1, 0}));
  report("sethostname", sethostname("x", 1));
  report_in_child("i386 socket(AF_ALG)", alg32);
  report_in_child("i386 socketcall(AF_ALG)", socketcall32);
  report_in_child("i386 keyctl", keyctl32);
  report_in_child("i386 bpf", bpf32);
  report_in_child("i386 io_uring_setup", uring32);
  report_in_child("i386 unshare(user)", unshare32);
  report_in_child("x32 socket(AF_ALG)", alg_x32);
  report_in_child("x32 mount", mount_x32);
  report_in_child("x32 bpf", bpf_x32);
}

/* What can be had of one process while its executable is the runtime's. */
static void examine(const char *pid) {
  char path[MAX_PATH], link[MAX_PATH];
  snprintf(path, sizeof path, "/proc/%s/exe", pid);
  ssize_t size = readlink(path, link, sizeof link - 1);
  if (size < 0)
    return;
  link[size] = '\0';
  if (!strstr(link, "gantry"))
    return;
  printf("saw %s\n", link);
  int modes[] = {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    int fd = open(path, modes[i]);
    if (fd >= 0)
      printf("WROTE %s\n", path);
    close(fd);
  }
  snprintf(path, sizeof path, "/proc/%s/environ", pid);
  int fd = open(path, O_RDONLY);
  size = fd < 0 ? -1 : read(fd, link, sizeof link);
  if (size > 0)
    printf("ENVIRONMENT of %zd bytes\n", size);
  close(fd);
  snprintf(path, sizeof path, "/proc/%s/fd", pid);
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    snprintf(path, sizeof path, "/proc/%s/fd/%s/etc/gantry-host-marker", pid, entry->d_name);
    if (access(path, F_OK) == 0)
      printf("OUTSIDE through %s\n", path);
  }
  if (directory)
    closedir(directory);
}

static void spy(int seconds) {
  time_t end = time(NULL) + seconds;
  printf("watching\n");
  fflush(stdout);
  while (time(NULL) < end) {
    DIR *directory = opendir("/proc");
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
      if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && atoi(entry->d_name) != getpid())
        examine(entry->d_name);
    }
    if (directory)
      closedir(directory);
  }
  printf("done\n");
}

static void swap(const char *one, const char *other) {
  for (;;)
    renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "surface") == 0)
    surface();
  else if (argc == 3 && strcmp(argv[1], "spy") == 0)
    spy(atoi(argv[2]));
  else if (argc == 4 && strcmp(argv[1], "swap") == 0)
    swap(argv[2], argv[3]);
  else
    return 2;
  return 0;
}
