/* Tries what a confined container must not do, one line `name errno` each (0: it worked). Built by
 * limits.test.ts. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void report(const char *name, long result) {
  int number = result < 0 ? errno : 0;
  printf("%s %d\n", name, number);
}

int main(void) {
  uint64_t wide_family = AF_ALG | (uint64_t)1 << 32; /* the kernel takes the low half */
  report("unshare", unshare(CLONE_NEWNS));
  report("mount", mount("none", "/tmp", "tmpfs", 0, ""));
  report("af_alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
  report("af_alg_wide", syscall(SYS_socket, wide_family, SOCK_SEQPACKET, 0));
  report("af_vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
  report("af_inet", socket(AF_INET, SOCK_STREAM, 0));
  report("clone3", syscall(SYS_clone3, 0, 0));
  report("clone_newuser", syscall(SYS_clone, CLONE_NEWUSER, 0, 0, 0, 0));
  report("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
  report("bpf", syscall(SYS_bpf, 0, 0, 0));
  report("io_uring_setup", syscall(SYS_io_uring_setup, 1, 0));
  report("personality", personality(0xffffffff));
  return 0;
}
