#include "user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"

enum { UNKNOWN = -1 };

/* user_namespaces(7): the initial one alone maps every id to itself. */
static bool read_is_child(void) {
  FILE *map = fopen("/proc/self/uid_map", "re");
  if (!map)
    return false;
  unsigned first, outside, count;
  bool whole = fscanf(map, "%u %u %u", &first, &outside, &count) == 3 && first == 0 &&
               outside == 0 && count == UINT32_MAX;
  fclose(map);
  return !whole;
}

static int is_child = UNKNOWN, keeps_groups = UNKNOWN;

void user_namespace_entered(void) {
  is_child = keeps_groups = UNKNOWN;
}

bool user_namespace_is_child(void) {
  if (is_child == UNKNOWN)
    is_child = read_is_child();
  return is_child;
}

static bool read_keeps_groups(void) {
  char answer[8] = "";
  FILE *file = fopen("/proc/self/setgroups", "re");
  if (!file)
    return false;
  bool read = fscanf(file, "%7s", answer) == 1;
  fclose(file);
  return read && strcmp(answer, "deny") == 0;
}

bool user_namespace_keeps_groups(void) {
  if (keeps_groups == UNKNOWN)
    keeps_groups = read_keeps_groups();
  return keeps_groups;
}

const char *user_namespace_opaque_xattr(void) {
  return user_namespace_is_child() ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

static int write_map(pid_t pid, const char *name, const char *map, struct error *err) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  autoclose int file = open(path, O_WRONLY | O_CLOEXEC);
  /* The kernel takes a map in one write, once. */
  if (file < 0 || write(file, map, strlen(map)) != (ssize_t)strlen(map))
    return error_set(err, errno, "write %s", name);
  return 0;
}

int user_namespace_map(pid_t pid, const char *uid_map, const char *gid_map, struct error *err) {
  if (write_map(pid, "uid_map", uid_map, err) == 0 && write_map(pid, "gid_map", gid_map, err) == 0)
    return 0;
  return error_stage(err, "namespaces");
}

static int open_namespace(pid_t pid, struct error *err) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? error_set(err, errno, "open the user namespace of process %d", pid) : fd;
}

/* A namespace needs a process to be born with; the descriptor keeps it when that one is gone. */
static int make_namespace(const struct plan_user *plan, struct error *err) {
  struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  pid_t own = getpid();
  pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0)
    return error_set(err, errno, "make a user namespace");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == own)
      pause();
    _exit(0);
  }
  int fd = -1;
  if (user_namespace_map(pid, plan->uid_map, plan->gid_map, err) == 0)
    fd = open_namespace(pid, err);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  return fd;
}

int user_namespace_open(const struct plan_user *plan, struct error *err) {
  int fd = plan->join_pid ? open_namespace((pid_t)plan->join_pid, err) : make_namespace(plan, err);
  return fd < 0 ? error_stage(err, "namespaces") : fd;
}

int user_namespace_enter(int user_namespace, struct error *err) {
  if (setns(user_namespace, CLONE_NEWUSER) == 0)
    return 0;
  error_set(err, errno, "enter the user namespace");
  return error_stage(err, "namespaces");
}

int user_namespace_become_root(struct error *err) {
  user_namespace_entered();
  bool may_set_groups = !user_namespace_keeps_groups();
  if ((!may_set_groups || setgroups(0, NULL) == 0) && setresgid(0, 0, 0) == 0 &&
      setresuid(0, 0, 0) == 0)
    return 0;
  error_set(err, errno, "become root of the user namespace");
  return error_stage(err, "namespaces");
}
