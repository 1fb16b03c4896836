import type { ArgumentCheck, ArgumentOperator, SeccompProfile, SyscallRule } from './seccomp-profile.ts';

const ENOSYS = 38;
const EPERM = 1;

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** What any program needs; nothing here reaches outside the container. */
const FILES = words(`
  access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
  fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl
  fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64
  fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch
  inotify_init inotify_init1 inotify_rm_watch ioctl lchown lchown32 lgetxattr link linkat listmount listxattr
  listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat
  name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2
  read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir sendfile
  sendfile64 setxattr setxattrat splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
  sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes
  vmsplice write writev`);

const WAITING = words(`
  _newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old
  eventfd eventfd2 io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit poll
  ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4 timerfd_create timerfd_gettime
  timerfd_gettime64 timerfd_settime timerfd_settime64`);

const MEMORY = words(`
  brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap
  mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages`);

const PROCESSES = words(`
  capget capset execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv
  futex_wake get_robust_list get_thread_area getcpu getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups
  getgroups32 getpgid getpgrp getpid getppid getpriority getresgid getresgid32 getresuid getresuid32 getrlimit
  getrusage getsid gettid getuid getuid32 ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset
  landlock_restrict_self pause pidfd_open pidfd_send_signal prctl prlimit64 process_mrelease restart_syscall
  riscv_hwprobe rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
  sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
  seccomp set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
  setgroups setgroups32 setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32
  setreuid setreuid32 setrlimit setsid setuid setuid32 sigaltstack sigprocmask sigreturn tgkill tkill ugetrlimit
  uretprobe vfork wait4 waitid waitpid`);

const TIME_AND_SYSTEM = words(`
  adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
  clock_nanosleep clock_nanosleep_time64 getitimer getrandom gettimeofday nanosleep setitimer sysinfo time
  timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 times
  uname`);

/**
 * `socketcall` (32-bit x86 only) is left out, unlike in Docker: its family argument is in memory, out of a filter's
 * reach, so it would reach AF_ALG around the rule below. libc of the last decade calls socket() directly.
 */
const NETWORK_AND_IPC = words(`
  accept accept4 bind connect getpeername getsockname getsockopt ipc listen mq_getsetattr mq_notify mq_open
  mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd recv
  recvfrom recvmmsg recvmmsg_time64 recvmsg semctl semget semop semtimedop semtimedop_time64 send sendmmsg sendmsg
  sendto setsockopt shmat shmctl shmdt shmget shutdown socketpair`);

const allow = (names: string, more: Partial<SyscallRule> = {}): SyscallRule => ({
  names: words(names),
  action: 'SCMP_ACT_ALLOW',
  ...more,
});

const withCapability = (capability: string, names: string): SyscallRule =>
  allow(names, { includes: { caps: [capability] } });

const argument = (op: ArgumentOperator, value: number, more: Partial<ArgumentCheck> = {}): ArgumentCheck => ({
  index: 0,
  op,
  value,
  ...more,
});

/**
 * SECURITY: 2026-31431 "Copy Fail" and its siblings: every address family but AF_RXRPC (33), AF_ALG (38) and AF_VSOCK
 * (40), `family` is an int in the kernel, hence 32 bits.
 */
const SOCKET_FAMILIES: SyscallRule[] = [
  argument('SCMP_CMP_LT', 33, { width: 32 }),
  ...[34, 35, 36, 37, 39].map((family) => argument('SCMP_CMP_EQ', family, { width: 32 })),
  argument('SCMP_CMP_GT', 40, { width: 32 }),
].map((check) => allow('socket', { args: [check] }));

/** Linux, Linux 32-bit, and both with UNAME26; 0xffffffff asks without setting. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff].map((value) =>
  allow('personality', { args: [argument('SCMP_CMP_EQ', value, { width: 32 })] }),
);

/** CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}. */
const NAMESPACE_FLAGS = 0x7e020000;

const WITHOUT_SYS_ADMIN: SyscallRule[] = [
  allow('clone', {
    args: [argument('SCMP_CMP_MASKED_EQ', NAMESPACE_FLAGS, { valueTwo: 0 })],
    excludes: { caps: ['CAP_SYS_ADMIN'] },
  }),
  // Its flags are in memory: libc falls back to clone(2) when it seems not to exist.
  {
    names: ['clone3'],
    action: 'SCMP_ACT_ERRNO',
    errnoRet: ENOSYS,
    excludes: { caps: ['CAP_SYS_ADMIN'] },
  },
];

const BY_CAPABILITY: SyscallRule[] = [
  withCapability('CAP_DAC_READ_SEARCH', 'open_by_handle_at'),
  withCapability(
    'CAP_SYS_ADMIN',
    `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
     lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
     sethostname setns syslog umount umount2 unshare`,
  ),
  withCapability('CAP_SYS_BOOT', 'reboot'),
  withCapability('CAP_SYS_CHROOT', 'chroot'),
  withCapability('CAP_SYS_MODULE', 'delete_module init_module finit_module'),
  withCapability('CAP_SYS_PACCT', 'acct'),
  withCapability(
    'CAP_SYS_PTRACE',
    'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  ),
  withCapability('CAP_SYS_RAWIO', 'iopl ioperm'),
  withCapability('CAP_SYS_TIME', 'settimeofday stime clock_settime clock_settime64'),
  withCapability('CAP_SYS_TTY_CONFIG', 'vhangup'),
  withCapability('CAP_SYS_NICE', 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
  withCapability('CAP_SYSLOG', 'syslog'),
  withCapability('CAP_BPF', 'bpf'),
  withCapability('CAP_PERFMON', 'perf_event_open'),
];

/**
 * Docker's default profile (moby/profiles, 2026-06): an allow-list, EPERM for the rest; deviations are noted above.
 * io_uring, keyctl, userfaultfd, kexec, swapon, pivot_root and their like are nowhere in it.
 */
export const DEFAULT_PROFILE: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: EPERM,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    {
      names: [...FILES, ...WAITING, ...MEMORY, ...PROCESSES, ...TIME_AND_SYSTEM, ...NETWORK_AND_IPC],
      action: 'SCMP_ACT_ALLOW',
    },
    // Before 4.8 ptrace could be used to get around a filter.
    allow('process_vm_readv process_vm_writev ptrace', { includes: { minKernel: '4.8' } }),
    ...SOCKET_FAMILIES,
    ...PERSONALITIES,
    allow('sync_file_range2', { includes: { arches: ['arm64'] } }),
    allow('arch_prctl modify_ldt', { includes: { arches: ['amd64'] } }),
    ...WITHOUT_SYS_ADMIN,
    ...BY_CAPABILITY,
  ],
};
