#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"
#include "external.h"
#include "filesystem.h"
#include "interfaces.h"
#include "resolve.h"
#include "user.h"

enum { MAX_WORDS = 48, MAX_ID = 128 };

static const char STAGING[] = "staging";

/* The name of a file as the runtime is told it. */
static int join(char path[PATH_MAX], const char *directory, const char *name, struct error *err) {
  int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);
  return length >= PATH_MAX ? error_set(err, ENAMETOOLONG, "%s", name) : 0;
}

/* --- the bundle --- */

/* An empty file or directory as a mount point for what `fd` shows. */
static int make_target(int directory, const char *name, int fd, struct error *err) {
  struct stat stat;
  if (fstat(fd, &stat) < 0)
    return error_set(err, errno, "stat");
  if (S_ISDIR(stat.st_mode) ? mkdirat(directory, name, 0700) < 0
                            : mknodat(directory, name, S_IFREG | 0600, 0) < 0)
    return error_set(err, errno, "make %s", name);
  int target = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  return target < 0 ? error_set(err, errno, "open %s", name) : target;
}

static int stage_mount(int directory, const char *name, int mount, struct error *err) {
  autoclose int target = make_target(directory, name, mount, err);
  return target < 0 ? -1 : mount_attach(mount, target, err);
}

static int stage_sources(int staging, const struct rootfs_sources *sources, struct error *err) {
  if (mkdirat(staging, "mounts", 0700) < 0)
    return error_set(err, errno, "make mounts");
  autoclose int directory = openat(staging, "mounts", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; i < sources->count; i++) {
    char name[24];
    snprintf(name, sizeof name, "%zu", i);
    if (sources->mounts[i] >= 0 && stage_mount(directory, name, sources->mounts[i], err) < 0)
      return error_wrap(err, "mount source %s", name);
  }
  return 0;
}

/* The inside of the network namespace; its answer is one struct error, without a message when all
 * is well. It ends when the socket does. */
static _Noreturn void configure_network(const struct plan_interfaces *interfaces, int sync) {
  struct error err = {0};
  char byte = 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (unshare(CLONE_NEWNET) < 0)
    error_set(&err, errno, "unshare the network namespace");
  send(sync, &err, sizeof err, MSG_NOSIGNAL);
  if (err.message[0] == '\0' && recv(sync, &byte, 1, 0) == 1) {
    interfaces_configure(interfaces, &err);
    send(sync, &err, sizeof err, MSG_NOSIGNAL);
    (void)!recv(sync, &byte, 1, 0);
  }
  _exit(0);
}

static int receive_answer(int sync, struct error *err) {
  struct error answer;
  if (recv(sync, &answer, sizeof answer, 0) != sizeof answer)
    return error_set(err, ECHILD, "the network's helper died");
  if (answer.message[0] == '\0')
    return 0;
  *err = answer;
  return -1;
}

/* A namespace with the plan's interfaces, named by the file `network` of the bundle. */
static int stage_network(const struct container_plan *plan, int staging, pid_t helper, int sync,
                         struct error *err) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/net", helper);
  if (receive_answer(sync, err) < 0 || interfaces_create(&plan->interfaces, helper, err) < 0)
    return -1;
  if (send(sync, "c", 1, MSG_NOSIGNAL) != 1 || receive_answer(sync, err) < 0)
    return err->message[0] ? -1 : error_set(err, errno, "configure the network");
  autoclose int namespace = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (namespace < 0)
    return error_set(err, errno, "open %s", path);
  return stage_mount(staging, "network", namespace, err);
}

static int make_network(const struct container_plan *plan, int staging, struct error *err) {
  int sync[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
    return error_set(err, errno, "socketpair");
  pid_t helper = fork();
  if (helper == 0) {
    close(sync[0]);
    configure_network(&plan->interfaces, sync[1]);
  }
  close(sync[1]);
  int result = helper < 0 ? error_set(err, errno, "fork")
                          : stage_network(plan, staging, helper, sync[0], err);
  close(sync[0]);
  if (helper > 0)
    waitpid(helper, NULL, 0);
  return result < 0 ? error_stage(err, "network") : 0;
}

/*
 * The namespace is a slave of the host's: the runtime sees what is mounted later, the host nothing
 * of ours. Sources were cloned before and keep their own propagation.
 */
static int enter_namespace(const struct plan_strings *hidden, struct error *err) {
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
    return error_set(err, errno, "unshare the mount namespace");
  for (size_t i = 0; i < hidden->count; i++) {
    if (umount2(hidden->items[i], MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
      return error_set(err, errno, "hide %s", hidden->items[i]);
  }
  return 0;
}

static int stage(const struct container_plan *plan, struct rootfs_sources *sources,
                 struct error *err) {
  if (enter_namespace(&plan->external.hidden, err) < 0)
    return -1;
  autoclose int run = open(plan->run_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  autoclose int tmpfs = filesystem_mount("tmpfs", "mode=0700", 0, err);
  if (run < 0 || tmpfs < 0)
    return run < 0 ? error_set(err, errno, "open %s", plan->run_directory) : -1;
  if (stage_mount(run, STAGING, tmpfs, err) < 0)
    return -1;
  autoclose int staging = openat(run, STAGING, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (mkdirat(staging, "rootfs", 0700) < 0)
    return error_set(err, errno, "make rootfs");
  char root[PATH_MAX];
  if (join(root, plan->run_directory, "staging/rootfs", err) < 0 ||
      rootfs_mount(plan, sources->overlay, root, err) < 0)
    return error_stage(err, "rootfs");
  if (stage_sources(staging, sources, err) < 0)
    return error_stage(err, "mount");
  return plan->namespaces.network.kind == NAMESPACE_NEW ? make_network(plan, staging, err) : 0;
}

int external_stage(const struct container_plan *plan, struct rootfs_sources *sources,
                   struct error *err) {
  return stage(plan, sources, err) < 0 ? error_stage(err, "runtime") : 0;
}

/* --- files that the runtime reads --- */

/* By name: a descriptor of before leads through the host's mount namespace, past the bundle. */
static int open_staging(const struct container_plan *plan) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", plan->run_directory, STAGING) >= PATH_MAX)
    return -1;
  return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* `head{"uid":…}tail`. The numbers are the one thing that only the container's own root tells. */
static int write_document(int directory, const char *name, const struct external_start *start,
                          const struct user *user, struct error *err) {
  autoclose int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return error_set(err, errno, "write %s", name);
  bool whole = dprintf(fd, "%s{\"uid\":%u,\"gid\":%u,\"additionalGids\":[", start->head, user->uid,
                       user->gid) >= 0;
  for (size_t i = 0; i < user->group_count && whole; i++)
    whole = dprintf(fd, "%s%u", i ? "," : "", user->groups[i]) >= 0;
  if (!whole || dprintf(fd, "]}%s", start->tail) < 0)
    return error_set(err, errno, "write %s", name);
  return 0;
}

static int open_root(const struct container_plan *plan, const struct external_start *start) {
  char path[PATH_MAX];
  if (start->main > 0)
    snprintf(path, sizeof path, "/proc/%d/root", start->main);
  else if (snprintf(path, sizeof path, "%s/%s/rootfs", plan->run_directory, STAGING) >= PATH_MAX)
    return -1;
  return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int write_files(const struct container_plan *plan, int directory, const char *name,
                       const struct external_start *start, struct error *err) {
  struct user user;
  autoclose int root = open_root(plan, start);
  if (root < 0)
    return error_set(err, errno, "open the container's root");
  if (user_resolve(root, start->process->user, &start->process->groups, &user, err) < 0)
    return error_stage(err, "user");
  return write_document(directory, name, start, &user, err);
}

/* --- calls --- */

/*
 * Only what is named: nothing of the shim's gets into a runtime or a container. A descriptor that
 * `stdio` lacks (-1) is the null device.
 */
static _Noreturn void execute(const struct container_plan *plan, const char *const *words,
                              const int stdio[3]) {
  static const char *const environment[] = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
  const char *arguments[MAX_WORDS + 1];
  size_t count = 0;
  const struct plan_strings *command = &plan->external.command;
  for (size_t i = 0; i < command->count && count < MAX_WORDS; i++)
    arguments[count++] = command->items[i];
  for (; *words && count < MAX_WORDS; words++)
    arguments[count++] = *words;
  arguments[count] = NULL;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int fd = 0; fd < 3; fd++) {
    if (stdio[fd] >= 0)
      dup2(stdio[fd], fd);
  }
  close_range(3, ~0U, 0);
  execve(arguments[0], (char **)arguments, (char **)environment);
  _exit(127);
}

static pid_t call(const struct container_plan *plan, const char *const *words, const int stdio[3],
                  struct error *err) {
  pid_t pid = fork();
  if (pid == 0)
    execute(plan, words, stdio);
  return pid < 0 ? error_set(err, errno, "fork") : pid;
}

/* The reason is in the runtime's log, which the engine reads. */
static int check_status(const char *command, int status, struct error *err) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return 0;
  if (WIFSIGNALED(status))
    error_set(err, 0, "%s was killed by signal %d", command, WTERMSIG(status));
  else
    error_set(err, 0, "%s exited with status %d", command, WEXITSTATUS(status));
  return error_stage(err, "runtime");
}

int external_run(const struct container_plan *plan, const char *command, struct error *err) {
  static const int nothing[3] = {-1, -1, -1};
  bool is_delete = strcmp(command, "delete") == 0;
  const char *const words[] = {command, is_delete ? "--force" : plan->id,
                               is_delete ? plan->id : NULL, NULL};
  pid_t pid = call(plan, words, nothing, err);
  int status;
  if (pid < 0)
    return error_stage(err, "runtime");
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR)
      return error_set(err, errno, "wait for the runtime");
  }
  return check_status(command, status, err);
}

struct names {
  char document[MAX_ID], pid[MAX_ID], console[MAX_ID]; /* in the run directory */
};

static void name_files(const struct external_start *start, struct names *names) {
  const char *id = start->id[0] ? start->id : "main";
  snprintf(names->document, MAX_ID, "%.80s.json", id);
  snprintf(names->pid, MAX_ID, "%.80s.pid", id);
  snprintf(names->console, MAX_ID, "%.80s.console", id);
}

/* Through our descriptor: the path itself may be longer than the 108 bytes of an address. */
static void console_path(int run_directory, const struct names *names, char *path, size_t size) {
  snprintf(path, size, "/proc/%d/fd/%d/%s", getpid(), run_directory, names->console);
}

static int listen_console(int run_directory, const struct names *names, struct error *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  char path[PATH_MAX];
  console_path(run_directory, names, path, sizeof path);
  if (strlen(path) >= sizeof address.sun_path)
    return error_set(err, ENAMETOOLONG, "console socket");
  strcpy(address.sun_path, path);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
    return error_set(err, errno, "listen for the terminal");
  return take_fd(&fd);
}

static pid_t begin(const struct container_plan *plan, int run_directory,
                   struct external_start *start, const int stdio[3], struct error *err) {
  char bundle[PATH_MAX], document[PATH_MAX], pid_file[PATH_MAX], console[PATH_MAX] = "";
  struct names names;
  bool is_main = start->id[0] == '\0';
  name_files(start, &names);
  autoclose int staging = open_staging(plan);
  const char *name = is_main ? "config.json" : names.document;
  if (join(bundle, plan->run_directory, STAGING, err) < 0 ||
      join(document, bundle, name, err) < 0 || join(pid_file, bundle, names.pid, err) < 0 ||
      write_files(plan, staging, name, start, err) < 0)
    return -1;
  unlinkat(run_directory, "runtime.log", 0);
  if (start->process->tty) {
    start->console = listen_console(run_directory, &names, err);
    if (start->console < 0)
      return -1;
    console_path(run_directory, &names, console, sizeof console);
  }
  const char *words[12];
  size_t count = 0;
  words[count++] = is_main ? "create" : "exec";
  words[count++] = is_main ? "--bundle" : "--process";
  words[count++] = is_main ? bundle : document;
  words[count++] = "--pid-file";
  words[count++] = pid_file;
  if (!is_main)
    words[count++] = "--detach";
  if (console[0]) {
    words[count++] = "--console-socket";
    words[count++] = console;
  }
  words[count++] = plan->id;
  words[count] = NULL;
  return call(plan, words, stdio, err);
}

pid_t external_begin(const struct container_plan *plan, int run_directory,
                     struct external_start *start, const int stdio[3], struct error *err) {
  start->console = -1;
  pid_t pid = begin(plan, run_directory, start, stdio, err);
  if (pid < 0) {
    close_fd(&start->console);
    error_stage(err, "runtime");
  }
  return pid;
}

/* The runtime sent the master before it ended; it waits in the socket's queue. */
static int receive_terminal(int console, struct error *err) {
  char byte;
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  autoclose int connection = accept4(console, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0 || recvmsg(connection, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0)
    return error_set(err, errno, "receive the terminal");
  struct cmsghdr *first = CMSG_FIRSTHDR(&message);
  if (!first || first->cmsg_type != SCM_RIGHTS || first->cmsg_len != CMSG_LEN(sizeof(int)))
    return error_set(err, EPROTO, "receive the terminal");
  int terminal;
  memcpy(&terminal, CMSG_DATA(first), sizeof terminal);
  return terminal;
}

static int read_pid(int directory, const char *name, pid_t *pid, struct error *err) {
  char text[32] = "";
  autoclose int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
    return error_set(err, errno, "read %s", name);
  *pid = (pid_t)strtol(text, NULL, 10);
  return *pid > 0 ? 0 : error_set(err, EINVAL, "%s holds no pid", name);
}

int external_take(const struct container_plan *plan, int run_directory,
                  struct external_start *start, int status, pid_t *pid, int *terminal,
                  struct error *err) {
  struct names names;
  bool is_main = start->id[0] == '\0';
  name_files(start, &names);
  autoclose int console = take_fd(&start->console);
  autoclose int staging = open_staging(plan);
  *terminal = -1;
  if (check_status(is_main ? "create" : "exec", status, err) == 0 &&
      read_pid(staging, names.pid, pid, err) == 0 && console >= 0)
    *terminal = receive_terminal(console, err);
  unlinkat(staging, names.document, 0);
  unlinkat(staging, names.pid, 0);
  unlinkat(run_directory, names.console, 0);
  return err->message[0] ? error_stage(err, "runtime") : 0;
}
