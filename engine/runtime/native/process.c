#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "apparmor.h"
#include "descriptor.h"
#include "process.h"
#include "resolve.h"
#include "user_namespace.h"

enum { LAST_CAPABILITY = 63 };

static bool outlives_parent;

void process_outlive_parent(void) {
  outlives_parent = true;
}

static void die_with_parent(void) {
  if (!outlives_parent)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void process_detach(void) {
  die_with_parent();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int number = 1; number < NSIG; number++)
    signal(number, SIG_DFL);
  setsid();
}

int process_connect(const int stdio[3], bool tty, struct error *err) {
  for (int i = 0; i < 3; i++) {
    if (dup2(stdio[i], i) < 0)
      return error_set(err, errno, "connect standard streams");
  }
  if (tty && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
    return error_set(err, errno, "set the controlling terminal");
  return 0;
}

static int set_limits(const struct plan_process *plan, struct error *err) {
  for (size_t i = 0; i < plan->rlimits.count; i++) {
    const struct plan_rlimit *limit = &plan->rlimits.items[i];
    struct rlimit value = {limit->soft, limit->hard};
    if (setrlimit((int)limit->resource, &value) < 0)
      return error_set(err, errno, "set resource limit %u", limit->resource);
  }
  return 0;
}

int process_raise_limits(const struct plan_process *plan, struct error *err) {
  for (size_t i = 0; i < plan->rlimits.count; i++) {
    const struct plan_rlimit *limit = &plan->rlimits.items[i];
    struct rlimit value;
    if (getrlimit((int)limit->resource, &value) == 0 && value.rlim_max >= limit->hard)
      continue;
    value.rlim_max = limit->hard;
    if (setrlimit((int)limit->resource, &value) < 0) {
      error_set(err, errno, "raise resource limit %u", limit->resource);
      return error_stage(err, "rlimits");
    }
  }
  return 0;
}

/* A session keyring of its own; hosts without keyrings, or at their quota, go without one as runc
 * does. */
static void join_keyring(const char *session) {
  char name[80];
  snprintf(name, sizeof name, "_ses.%.64s", session);
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
}

/* SECURITY: 2026-57231. The environment is the plan's alone; an entry without `=` is dropped. */
static int build_environment(struct process *process, struct error *err) {
  const struct plan_strings *env = &process->plan->env;
  process->env = calloc(env->count + 2, sizeof *process->env);
  if (!process->env)
    return error_set(err, ENOMEM, "environment");
  size_t count = 0;
  bool has_home = false;
  for (size_t i = 0; i < env->count; i++) {
    if (!strchr(env->items[i], '='))
      continue;
    /* An empty one is none, as for runc. */
    if (strcmp(env->items[i], "HOME=") == 0)
      continue;
    has_home |= strncmp(env->items[i], "HOME=", 5) == 0;
    process->env[count++] = env->items[i];
  }
  snprintf(process->home, sizeof process->home, "HOME=%s", process->user.home);
  if (!has_home)
    process->env[count++] = process->home;
  return 0;
}

int process_prepare(const struct plan_process *plan, const char *session, struct process *process,
                    struct error *err) {
  *process = (struct process){.plan = plan};
  autoclose int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (set_limits(plan, err) < 0)
    return error_stage(err, "rlimits");
  if (session)
    join_keyring(session);
  if (user_resolve(root, plan->user, &plan->groups, &process->user, err) < 0)
    return error_stage(err, "user");
  if (build_environment(process, err) < 0)
    return error_stage(err, "environment");
  if (plan->apparmor[0] && apparmor_apply(plan->apparmor, err) < 0)
    return error_stage(err, "apparmor");
  umask(0022);
  return 0;
}

int process_adapt(const struct plan_oci *oci, struct process *process, struct error *err) {
  umask((mode_t)oci->umask);
  process->preserved = oci->preserved_descriptors;
  if (oci->options & OCI_SET_PERSONALITY && personality(oci->personality) < 0) {
    error_set(err, errno, "set the personality");
    return error_stage(err, "personality");
  }
  return 0;
}

/* SECURITY: 2026-55686. WORKDIR is made inside the container's root and its owner is not touched.
 */
int process_make_directory(const struct plan_process *plan, struct error *err) {
  autoclose int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  autoclose int cwd = resolve_or_create(root, plan->cwd, false, true, err);
  if (cwd < 0 && err->number != EROFS)
    return error_stage(err, "cwd");
  return 0;
}

static bool has_capability(uint64_t set, int capability) {
  return set >> capability & 1;
}

static int drop_bounding(uint64_t keep, struct error *err) {
  for (int capability = 0; capability <= LAST_CAPABILITY; capability++) {
    if (has_capability(keep, capability))
      continue;
    if (prctl(PR_CAPBSET_DROP, capability) < 0) {
      if (errno == EINVAL) /* past the last one that the kernel knows */
        return 0;
      return error_set(err, errno, "drop capability %d", capability);
    }
  }
  return 0;
}

/* SECURITY: 2022-24769. The inheritable set is empty; ambient only as far as the plan says. */
static int set_capabilities(const struct plan_capabilities *sets, struct error *err) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  uint64_t raised = sets->ambient & sets->permitted;
  struct __user_cap_data_struct data[2];
  for (int i = 0; i < 2; i++) {
    data[i].effective = (uint32_t)(sets->effective >> 32 * i);
    data[i].permitted = (uint32_t)(sets->permitted >> 32 * i);
    data[i].inheritable = (uint32_t)(raised >> 32 * i);
  }
  if (syscall(SYS_capset, &header, data) < 0)
    return error_set(err, errno, "set capabilities");
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int capability = 0; capability <= LAST_CAPABILITY; capability++) {
    if (has_capability(raised, capability) &&
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
      return error_set(err, errno, "raise ambient capability %d", capability);
  }
  return 0;
}

/* What a change of user left in the permitted set (PR_SET_KEEPCAPS). */
static int raise_effective(struct error *err) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) < 0)
    return error_set(err, errno, "get capabilities");
  for (int i = 0; i < 2; i++)
    data[i].effective = data[i].permitted;
  return syscall(SYS_capset, &header, data) < 0 ? error_set(err, errno, "raise capabilities") : 0;
}

static int install_filter(const struct plan_bytes *seccomp, struct error *err) {
  if (seccomp->size == 0)
    return 0;
  struct sock_fprog program = {
      .len = (unsigned short)(seccomp->size / sizeof(struct sock_filter)),
      .filter = (struct sock_filter *)seccomp->data,
  };
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
    return 0;
  error_set(err, errno, "install the seccomp filter");
  return error_stage(err, "seccomp");
}

void process_own_streams(const int stdio[3], uid_t uid) {
  for (int i = 0; i < 3; i++) {
    struct stat stat;
    int fd = stdio[i];
    if (fstat(fd, &stat) == 0 && stat.st_uid != uid && (S_ISFIFO(stat.st_mode) || isatty(fd)))
      (void)!fchown(fd, uid, (gid_t)-1);
  }
}

static int set_identity(const struct user *user, struct error *err) {
  static const int streams[3] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  process_own_streams(streams, user->uid);
  bool set_groups = !user_namespace_keeps_groups();
  if (prctl(PR_SET_KEEPCAPS, 1) < 0 ||
      (set_groups && setgroups(user->group_count, user->groups) < 0) ||
      setresgid(user->gid, user->gid, user->gid) < 0 ||
      setresuid(user->uid, user->uid, user->uid) < 0)
    return error_set(err, errno, "become user %u:%u%s", user->uid, user->gid,
                     errno == EINVAL && user_namespace_is_child()
                         ? ", which is beyond the ids of /etc/subuid and /etc/subgid"
                         : "");
  prctl(PR_SET_KEEPCAPS, 0);
  /* A change of user clears it. */
  die_with_parent();
  return 0;
}

/* SECURITY: 2024-21626. Entered as the target user, after the pivot; a directory outside the root
 * is refused. */
static int enter_directory(const char *cwd, struct error *err) {
  char actual[PATH_MAX];
  if (chdir(cwd) < 0)
    return error_set(err, errno, "chdir to cwd (\"%s\") set in config.json failed", cwd);
  if (syscall(SYS_getcwd, actual, sizeof actual) < 0 || actual[0] != '/')
    return error_set(err, ENOENT,
                     "current working directory is outside of container mount namespace root");
  return 0;
}

int process_become(struct process *process, struct error *err) {
  const struct plan_process *plan = process->plan;
  /* SECURITY: 2024-21626. Here already, because the filter may know no close_range. */
  close_range(3 + process->preserved, ~0U, CLOSE_RANGE_CLOEXEC);
  if (drop_bounding(plan->capabilities.bounding, err) < 0)
    return error_stage(err, "capabilities");
  if (set_identity(&process->user, err) < 0)
    return error_stage(err, "user");
  /* Before the filter, which may know no getcwd. */
  if (enter_directory(plan->cwd, err) < 0)
    return error_stage(err, "cwd");
  /* Without no_new_privs a filter needs CAP_SYS_ADMIN, which is gone after the next step. */
  if (!plan->no_new_privileges &&
      (raise_effective(err) < 0 || install_filter(&plan->seccomp, err) < 0))
    return -1;
  if (set_capabilities(&plan->capabilities, err) < 0)
    return error_stage(err, "capabilities");
  if (process_find(plan->argv.items[0], &plan->env, process->path, err) < 0)
    return error_stage(err, "exec");
  return 0;
}

/* strerror in Go's spelling: lower case. */
static int refuse_executable(const char *name, const char *path, int number, struct error *err) {
  struct error cause = {0};
  error_set(&cause, number, "%s", "");
  const char *reason = cause.message + 2;
  if (path)
    error_set(err, 0, "exec: \"%s\": stat %s: %s", name, path, reason);
  else
    error_set(err, 0, "exec: \"%s\": %s", name, reason);
  err->number = number;
  return -1;
}

/* EPERM is not the file's answer but that of a seccomp filter which knows no faccessat2: then
 * execve decides. */
static int check_executable(const char *path) {
  struct stat stat_buffer;
  if (stat(path, &stat_buffer) < 0)
    return errno == EPERM ? 0 : errno;
  if (S_ISDIR(stat_buffer.st_mode))
    return EISDIR;
  if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 || errno == EPERM)
    return 0;
  return EACCES;
}

static const char *find_variable(const struct plan_strings *env, const char *name) {
  size_t length = strlen(name);
  const char *value = "";
  for (size_t i = 0; i < env->count; i++) {
    if (strncmp(env->items[i], name, length) == 0 && env->items[i][length] == '=')
      value = env->items[i] + length + 1;
  }
  return value;
}

int process_find(const char *name, const struct plan_strings *env, char path[PATH_MAX],
                 struct error *err) {
  if (strchr(name, '/')) {
    if (strlen(name) >= PATH_MAX)
      return refuse_executable(name, NULL, ENAMETOOLONG, err);
    strcpy(path, name);
    int cause = check_executable(path);
    if (cause == EACCES || cause == EISDIR)
      return refuse_executable(name, NULL, cause, err);
    return cause ? refuse_executable(name, path, cause, err) : 0;
  }
  for (const char *rest = find_variable(env, "PATH"); *rest && *name;) {
    size_t length = strcspn(rest, ":");
    int size =
        snprintf(path, PATH_MAX, "%.*s/%s", length ? (int)length : 1, length ? rest : ".", name);
    if (size < PATH_MAX && check_executable(path) == 0)
      return 0;
    rest += length + (rest[length] == ':');
  }
  error_set(err, 0, "exec: \"%s\": executable file not found in $PATH", name);
  err->number = ENOENT;
  return -1;
}

int process_execute(struct process *process, struct error *err) {
  const struct plan_process *plan = process->plan;
  if (plan->no_new_privileges) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
      error_set(err, errno, "set no_new_privs");
      return error_stage(err, "seccomp");
    }
    if (install_filter(&plan->seccomp, err) < 0)
      return -1;
  }
  /* SECURITY: 2024-21626. Whatever is open past stdio ends with execve. */
  close_range(3 + process->preserved, ~0U, CLOSE_RANGE_CLOEXEC);
  execve(process->path, (char **)plan->argv.items, (char **)process->env);
  error_set(err, errno, "exec %s", process->path);
  return error_stage(err, "exec");
}
