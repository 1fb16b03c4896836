#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup.h"
#include "descriptor.h"
#include "directory.h"

enum { RETRIES = 200, RETRY_MICROSECONDS = 1000, MAX_DEPTH = 32 };

static int write_file(const char *file, const char *value) {
  autoclose int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, value, strlen(value)) < 0)
    return -1;
  return 0;
}

static int make_directories(const struct plan_strings *directories, struct error *err) {
  for (size_t i = 0; i < directories->count; i++) {
    if (mkdir(directories->items[i], 0755) < 0 && errno != EEXIST)
      return error_set(err, errno, "mkdir %s", directories->items[i]);
  }
  return 0;
}

static int attach_device_program(const struct plan_cgroup *plan, struct error *err) {
  if (plan->device_program.size == 0)
    return 0;
  autoclose int directory = open(plan->device_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return error_set(err, errno, "open %s", plan->device_directory);
  union bpf_attr load = {
      .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
      .insn_cnt = (uint32_t)(plan->device_program.size / sizeof(struct bpf_insn)),
      .insns = (uintptr_t)plan->device_program.data,
      .license = (uintptr_t) "GPL",
  };
  autoclose int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  if (program < 0)
    return error_set(err, errno, "load the device program");
  union bpf_attr attach = {
      .target_fd = (uint32_t)directory,
      .attach_bpf_fd = (uint32_t)program,
      .attach_type = BPF_CGROUP_DEVICE,
      .attach_flags = BPF_F_ALLOW_MULTI,
  };
  if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) < 0)
    return error_set(err, errno, "attach the device program");
  return 0;
}

int cgroup_create(const struct plan_cgroup *plan, struct error *err) {
  /* Another container's end may remove an empty shared parent between two of our mkdirs: once more.
   */
  if (make_directories(&plan->directories, err) < 0 &&
      (err->number != ENOENT || make_directories(&plan->directories, err) < 0))
    return error_stage(err, "cgroup");
  for (size_t i = 0; i < plan->writes.count; i++) {
    const struct plan_write *write = &plan->writes.items[i];
    if (write_file(write->file, write->value) < 0 && !write->optional) {
      error_set(err, errno, "write %s to %s", write->value, write->file);
      return error_stage(err, "cgroup");
    }
  }
  if (attach_device_program(plan, err) < 0)
    return error_stage(err, "cgroup");
  return 0;
}

/*
 * cgroup.procs is written under a lock whose taker waits for an RCU grace period, 5-20 ms when
 * nobody did it just before. Two ways around it (kernel/cgroup/cgroup.c, cgroup_procs_write_start):
 * a thread that moves itself by writing "0" to the v1 file `tasks`, and a birth inside the cgroup
 * on v2.
 */
static int open_tasks(const char *procs) {
  char tasks[PATH_MAX];
  const char *slash = strrchr(procs, '/');
  if (!slash ||
      snprintf(tasks, sizeof tasks, "%.*s/tasks", (int)(slash - procs), procs) >= PATH_MAX)
    return -1;
  return open(tasks, O_WRONLY | O_CLOEXEC);
}

int cgroup_join(const struct plan_cgroup *plan, const char *born_in, struct error *err) {
  for (size_t i = 0; i < plan->join.count; i++) {
    const char *procs = plan->join.items[i];
    if (procs == born_in)
      continue;
    autoclose int tasks = open_tasks(procs);
    /* "0" is the writer itself, in whatever pid namespace it is; it has one thread. */
    if (tasks >= 0 ? write(tasks, "0", 1) == 1 : write_file(procs, "0") == 0)
      continue;
    error_set(err, errno, "join %s", procs);
    return error_stage(err, "cgroup");
  }
  return 0;
}

int cgroup_open_unified(const struct plan_cgroup *plan, const char **joined) {
  /* On a hybrid host it is the last. */
  for (size_t i = plan->join.count; i-- > 0;) {
    char directory[PATH_MAX];
    struct statfs filesystem;
    const char *procs = plan->join.items[i], *slash = strrchr(procs, '/');
    if (!slash ||
        snprintf(directory, sizeof directory, "%.*s", (int)(slash - procs), procs) >= PATH_MAX)
      continue;
    autoclose int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstatfs(fd, &filesystem) < 0 || filesystem.f_type != CGROUP2_SUPER_MAGIC)
      continue;
    *joined = procs;
    return take_fd(&fd);
  }
  *joined = NULL;
  return -1;
}

/* `0::/PATH` of /proc/PID/cgroup, from `/NAME/` on, where NAME is the last part of the plan's own
 * directory. False when the process is nowhere below it. */
static bool find_below(pid_t pid, const char *name, char *path, size_t size) {
  char file[64], line[PATH_MAX];
  snprintf(file, sizeof file, "/proc/%d/cgroup", pid);
  FILE *stream = fopen(file, "re");
  bool found = false;
  while (stream && !found && fgets(line, sizeof line, stream)) {
    char *below = strncmp(line, "0::", 3) == 0 ? strstr(line, name) : NULL;
    if (!below || below[strlen(name)] != '/')
      continue;
    line[strcspn(line, "\n")] = '\0';
    found = snprintf(path, size, "%s", below + strlen(name) + 1) < (int)size;
  }
  if (stream)
    fclose(stream);
  return found;
}

int cgroup_open_unified_of(const struct plan_cgroup *plan, pid_t pid) {
  const char *procs;
  autoclose int own = cgroup_open_unified(plan, &procs);
  if (own < 0)
    return -1;
  char name[PATH_MAX], below[PATH_MAX];
  int length = (int)(strrchr(procs, '/') - procs);
  snprintf(name, sizeof name, "%.*s", length, procs);
  const char *last = strrchr(name, '/');
  if (!last || !find_below(pid, last, below, sizeof below))
    return -1;
  return openat(own, below, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool kill_listed(const char *file) {
  FILE *stream = fopen(file, "re");
  if (!stream)
    return false;
  bool any = false;
  int pid;
  while (fscanf(stream, "%d", &pid) == 1) {
    if (pid > 1 && kill(pid, SIGKILL) == 0)
      any = true;
  }
  fclose(stream);
  return any;
}

void cgroup_kill(const struct plan_cgroup *plan) {
  if (plan->kill_file[0] && write_file(plan->kill_file, "1") == 0)
    return;
  /* A process may fork between the read and its kill: repeat until nobody is left. */
  for (int i = 0; plan->join.count > 0 && i < RETRIES && kill_listed(plan->join.items[0]); i++)
    usleep(RETRY_MICROSECONDS);
}

unsigned long cgroup_oom_kills(const struct plan_cgroup *plan) {
  char text[4096];
  autoclose int fd = open(plan->oom_file, O_RDONLY | O_CLOEXEC);
  ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (size <= 0)
    return 0;
  text[size] = '\0';
  for (const char *line = text; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strncmp(line, "oom_kill ", 9) == 0)
      return strtoul(line + 9, NULL, 10);
  }
  return 0;
}

/* Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control". */
static int watch_oom_control(const struct plan_cgroup *plan) {
  const char *name = strrchr(plan->oom_file, '/');
  char file[PATH_MAX], line[64];
  snprintf(file, sizeof file, "%.*s/cgroup.event_control", (int)(name - plan->oom_file),
           plan->oom_file);
  autoclose int control = open(plan->oom_file, O_RDONLY | O_CLOEXEC);
  autoclose int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (control < 0 || event < 0)
    return -1;
  snprintf(line, sizeof line, "%d %d", event, control);
  return write_file(file, line) < 0 ? -1 : take_fd(&event);
}

int cgroup_watch_oom(const struct plan_cgroup *plan, uint32_t *interest) {
  struct statfs filesystem;
  if (!plan->oom_file[0])
    return -1;
  autoclose int fd = open(plan->oom_file, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstatfs(fd, &filesystem) < 0)
    return -1;
  if (filesystem.f_type != CGROUP2_SUPER_MAGIC) {
    *interest = EPOLLIN;
    return watch_oom_control(plan);
  }
  *interest = EPOLLPRI;
  cgroup_drain_oom(fd);
  return take_fd(&fd);
}

void cgroup_drain_oom(int fd) {
  char text[4096];
  if (lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE)
    return;
  (void)!read(fd, text, sizeof text);
}

/* A container that may write its cgroups (privileged, systemd) leaves some inside its own. There
 * are no links. */
static void remove_children(int parent, const char *name, int depth) {
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  autoclose_directory DIR *directory = fd < 0 ? NULL : fdopendir(fd);
  if (!directory || depth == MAX_DEPTH)
    return;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
      continue;
    remove_children(fd, entry->d_name, depth + 1);
    unlinkat(fd, entry->d_name, AT_REMOVEDIR);
  }
}

void cgroup_remove(const struct plan_cgroup *plan, void (*reap)(void)) {
  for (size_t i = plan->join.count; i-- > 0;) {
    char directory[PATH_MAX];
    int length = snprintf(directory, sizeof directory, "%s", plan->join.items[i]);
    char *slash = strrchr(directory, '/');
    if (length < 0 || (size_t)length >= sizeof directory || !slash)
      continue;
    *slash = '\0';
    /* A process leaves its cgroup when it is released, a moment after it was seen to end. */
    for (int tries = 0; rmdir(directory) < 0 && errno == EBUSY && tries < RETRIES; tries++) {
      remove_children(AT_FDCWD, directory, 0);
      reap();
      usleep(RETRY_MICROSECONDS);
    }
  }
}
