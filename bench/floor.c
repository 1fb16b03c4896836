/*
 * The least that a container costs on this machine: the same kernel work as ours (namespaces,
 * overlay root, cgroups, bridge port, exec of a static program, wait, removal), from one C process
 * with nothing around it.
 *
 *   floor MODE LOWER SCRATCH BRIDGE ROUNDS     MODE: exec, none, host, bridge
 *
 * Prints one line of microseconds per round. Build: cc -O2 -static -o floor floor.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *mode, *lower, *scratch, *bridge;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void must(int result, const char *what) {
  if (result < 0)
    fail(what);
}

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* Controllers of cgroup v1, or the one tree of v2. */
static const char *trees[] = {"cpu",     "cpuset", "memory",     "pids",    "devices",
                              "freezer", "blkio",  "perf_event", "hugetlb", "."};

static void each_cgroup(void (*work)(const char *directory, int argument), int argument) {
  char directory[256];
  for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
    snprintf(directory, sizeof directory, "/sys/fs/cgroup/%s/cgroup.procs", trees[i]);
    if (access(directory, F_OK) < 0)
      continue;
    snprintf(directory, sizeof directory, "/sys/fs/cgroup/%s/gantry-floor", trees[i]);
    work(directory, argument);
  }
}

static void write_file(const char *directory, const char *name, const char *text) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  if (write(fd, text, strlen(text)) < 0 && errno != EINVAL && errno != EBUSY)
    fail(path);
  close(fd);
}

static void make_cgroup(const char *directory, int unused) {
  (void)unused;
  must(mkdir(directory, 0755), directory);
  if (strstr(directory, "/cpuset/"))
    write_file(directory, "cgroup.clone_children", "1");
}

static void join_cgroup(const char *directory, int pid) {
  char text[16];
  snprintf(text, sizeof text, "%d", pid);
  if (strstr(directory, "/cpuset/")) {
    write_file(directory, "cpuset.cpus", "0");
    write_file(directory, "cpuset.mems", "0");
  }
  write_file(directory, "cgroup.procs", text);
}

static void remove_cgroup(const char *directory, int unused) {
  (void)unused;
  while (rmdir(directory) < 0 && errno == EBUSY)
    usleep(200);
}

static void add(struct nlmsghdr *message, int type, const void *data, size_t size) {
  struct rtattr *attribute = (void *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
  attribute->rta_type = (unsigned short)type;
  attribute->rta_len = (unsigned short)RTA_LENGTH(size);
  if (size)
    memcpy(RTA_DATA(attribute), data, size);
  message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static struct rtattr *begin(struct nlmsghdr *message, int type) {
  struct rtattr *nest = (void *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
  add(message, type, NULL, 0);
  return nest;
}

static void end(struct nlmsghdr *message, struct rtattr *nest) {
  nest->rta_len = (unsigned short)((char *)message + message->nlmsg_len - (char *)nest);
}

/* One message: both ends, the outer one up and on the bridge, the inner one in the namespace of
 * pid. */
static void make_veth(int socket, int pid) {
  /* The kernel takes links of earlier rounds away a little later. */
  static unsigned round;
  char name[IFNAMSIZ], buffer[1024] = {0};
  snprintf(name, sizeof name, "gfloor%u", round++);
  struct nlmsghdr *message = (void *)buffer;
  struct ifinfomsg *link = NLMSG_DATA(message);
  *message = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof *link),
                               .nlmsg_type = RTM_NEWLINK,
                               .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK};
  *link = (struct ifinfomsg){.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  uint32_t master = if_nametoindex(bridge), owner = (uint32_t)pid;
  add(message, IFLA_IFNAME, name, strlen(name) + 1);
  add(message, IFLA_MASTER, &master, sizeof master);
  struct rtattr *info = begin(message, IFLA_LINKINFO);
  add(message, IFLA_INFO_KIND, "veth", 5);
  struct rtattr *data = begin(message, IFLA_INFO_DATA);
  struct rtattr *peer = begin(message, VETH_INFO_PEER);
  memset((char *)message + message->nlmsg_len, 0, sizeof *link);
  message->nlmsg_len += sizeof *link;
  add(message, IFLA_IFNAME, "eth0", 5);
  add(message, IFLA_NET_NS_PID, &owner, sizeof owner);
  end(message, peer);
  end(message, data);
  end(message, info);
  must((int)send(socket, message, message->nlmsg_len, 0), "netlink");
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char rest[512];
  } answer;
  must((int)recv(socket, &answer, sizeof answer, 0), "netlink answer");
  errno = -answer.error.error;
  must(answer.error.error, "make veth");
}

static void mount_root(const char *root) {
  char data[1024];
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
  snprintf(data, sizeof data, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, scratch,
           scratch);
  must(mount("overlay", root, "overlay", 0, data), "overlay");
  must(chdir(root), "root");
  mkdir("proc", 0755);
  mkdir("dev", 0755);
  mkdir("sys", 0755);
  must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
  must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=64k"), "dev");
  if (strcmp(mode, "host") != 0)
    must(mount("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "sys");
  must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH), "detach");
}

static void child(const char *root, const int pipes[2]) {
  char byte;
  close(pipes[1]);
  if (read(pipes[0], &byte, 1) != 1)
    exit(1);
  mount_root(root);
  execl("/bin/true", "true", NULL);
  fail("exec");
}

static double round_trip(int netlink, const char *root) {
  char path[512];
  double started = now_us();
  snprintf(path, sizeof path, "%s/upper", scratch);
  must(mkdir(path, 0755), path);
  snprintf(path, sizeof path, "%s/work", scratch);
  must(mkdir(path, 0755), path);
  each_cgroup(make_cgroup, 0);
  int pipes[2];
  must(pipe2(pipes, O_CLOEXEC), "pipe");
  uint64_t flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
  if (strcmp(mode, "host") != 0)
    flags |= CLONE_NEWNET;
  struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
  int pid = (int)syscall(SYS_clone3, &arguments, sizeof arguments);
  must(pid, "clone3");
  if (pid == 0)
    child(root, pipes);
  each_cgroup(join_cgroup, pid);
  if (strcmp(mode, "bridge") == 0)
    make_veth(netlink, pid);
  must((int)write(pipes[1], "x", 1), "let the child go");
  int status;
  must(waitpid(pid, &status, 0), "wait");
  if (status != 0)
    exit(1);
  double finished = now_us();
  close(pipes[0]);
  close(pipes[1]);
  each_cgroup(remove_cgroup, 0);
  for (const char **name = (const char *[]){"upper/proc", "upper/dev", "upper/sys", "upper",
                                            "work/work", "work", NULL};
       *name; name++) {
    snprintf(path, sizeof path, "%s/%s", scratch, *name);
    rmdir(path);
  }
  return finished - started;
}

static double plain_exec(void) {
  double started = now_us();
  int pid = vfork();
  if (pid == 0) {
    execl("/bin/true", "true", NULL);
    _exit(127);
  }
  int status;
  must(waitpid(pid, &status, 0), "wait");
  return now_us() - started;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: floor MODE LOWER SCRATCH BRIDGE ROUNDS\n");
    return 2;
  }
  mode = argv[1];
  lower = argv[2];
  scratch = argv[3];
  bridge = argv[4];
  char root[512];
  snprintf(root, sizeof root, "%s/root", scratch);
  mkdir(root, 0755);
  int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  must(netlink, "netlink");
  for (int i = 0; i < atoi(argv[5]); i++)
    printf("%.0f\n", strcmp(mode, "exec") == 0 ? plain_exec() : round_trip(netlink, root));
  return 0;
}
