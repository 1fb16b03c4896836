/* The files of a log: which is written to, when the next begins, what becomes of the older ones. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "descriptor.h"
#include "frame.h"
#include "log_file.h"

struct name {
  char path[PATH_MAX];
};

static struct name name_of(const struct log_file *log, uint64_t number, const char *ending) {
  struct name name;
  int size = number == 0 ? snprintf(name.path, sizeof name.path, "%s%s", log->plan->path, ending)
                         : snprintf(name.path, sizeof name.path, "%s.%llu%s", log->plan->path,
                                    (unsigned long long)number, ending);
  if (size < 0 || (size_t)size >= sizeof name.path)
    name.path[0] = '\0'; /* no such file */
  return name;
}

static bool forget(const struct log_file *log, uint64_t number) {
  bool plain = unlink(name_of(log, number, "").path) == 0;
  return unlink(name_of(log, number, ".gz").path) == 0 || plain;
}

/* --- compression, by a child that ends with us --- */

static int deflate_file(int in, int out) {
  static unsigned char input[65536], output[65536];
  z_stream stream = {0};
  enum { GZIP = 15 + 16, MEMORY = 8 };
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
    return -1;
  ssize_t count;
  do {
    count = read(in, input, sizeof input);
    if (count < 0)
      return -1;
    stream.next_in = input;
    stream.avail_in = (uInt)count;
    do {
      stream.next_out = output;
      stream.avail_out = sizeof output;
      deflate(&stream, count == 0 ? Z_FINISH : Z_NO_FLUSH);
      size_t made = sizeof output - stream.avail_out;
      for (size_t done = 0; done < made;) {
        ssize_t written = write(out, output + done, made - done);
        if (written < 0)
          return -1;
        done += (size_t)written;
      }
    } while (stream.avail_out == 0);
  } while (count > 0);
  return deflateEnd(&stream) == Z_OK ? 0 : -1;
}

/* The time of the last write goes with the content: a reader that has the file open knows it by
 * that. On disk before the original goes. */
static int finish_copy(int in, int out) {
  struct stat stat;
  if (fstat(in, &stat) < 0)
    return -1;
  struct timespec times[] = {stat.st_mtim, stat.st_mtim};
  return futimens(out, times) < 0 || fsync(out) < 0 ? -1 : 0;
}

static _Noreturn void compress_and_exit(int in, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpriority(PRIO_PROCESS, 0, 10);
  /* Not a single socket or pipe of the container stays open for longer because of us. */
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || close_range(2, ~0U, 0) < 0)
    _exit(1);
  _exit(deflate_file(0, 1) < 0 || finish_copy(0, 1) < 0 ? 1 : 0);
}

/*
 * An exec leaves us with the container's pid namespace for our children (setns(2)). This one is
 * none of the container's, which might even have ended: it is born in our own.
 */
static pid_t fork_beside_us(void) {
  autoclose int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
  if (own < 0 || setns(own, CLONE_NEWPID) < 0)
    return -1;
  return fork();
}

static void start_compressor(struct log_file *log, uint64_t number) {
  struct name name = name_of(log, number, ""), partial = name_of(log, number, ".gz.tmp");
  autoclose int in = open(name.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (in < 0)
    return;
  unlink(partial.path);
  autoclose int out = open(partial.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  pid_t pid = out < 0 ? -1 : fork_beside_us();
  if (pid == 0)
    compress_and_exit(in, out);
  if (pid < 0)
    unlink(partial.path);
  log->compressor = pid > 0 ? pid : 0;
  log->compressing = number;
}

bool log_reaped(struct log_file *log, pid_t pid, int status) {
  if (pid != log->compressor)
    return false;
  struct name partial = name_of(log, log->compressing, ".gz.tmp");
  log->compressor = 0;
  if (status == 0 && rename(partial.path, name_of(log, log->compressing, ".gz").path) == 0)
    unlink(name_of(log, log->compressing, "").path);
  else
    unlink(partial.path);
  log_retry_rotation(log);
  return true;
}

/* --- the current file --- */

static int open_file(struct log_file *log, const char *path) {
  struct stat stat;
  close_fd(&log->fd);
  log->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  log->size = log->fd >= 0 && fstat(log->fd, &stat) == 0 ? (uint64_t)stat.st_size : 0;
  return log->fd < 0 ? -1 : 0;
}

/* Whether a machine that crashed left the last record whole. */
static bool ends_with_record(const struct log_file *log) {
  uint8_t bytes[4];
  if (log->size == 0)
    return true;
  if (log->size < LOG_RECORD_HEAD + LOG_RECORD_TAIL ||
      pread(log->fd, bytes, 4, (off_t)log->size - LOG_RECORD_TAIL) != 4)
    return false;
  uint64_t size = load_u32(bytes), whole = LOG_RECORD_HEAD + size + LOG_RECORD_TAIL;
  return size <= LOG_MAX_LINE + 1 && whole <= log->size &&
         pread(log->fd, bytes, 4, (off_t)(log->size - whole + 8)) == 4 && load_u32(bytes) == size;
}

/* The highest sequence there is, 0: no file yet. */
static uint64_t newest_sequence(const struct log_file *log) {
  struct name directory;
  uint64_t newest = 0;
  snprintf(directory.path, sizeof directory.path, "%s", log->plan->path);
  char *base = strrchr(directory.path, '/');
  if (!base)
    return 0;
  *base++ = '\0';
  DIR *entries = opendir(directory.path);
  size_t length = strlen(base);
  for (struct dirent *entry; entries && (entry = readdir(entries));) {
    if (strncmp(entry->d_name, base, length) != 0 || entry->d_name[length] != '.')
      continue;
    uint64_t sequence = strtoull(entry->d_name + length + 1, NULL, 10);
    newest = sequence > newest ? sequence : newest;
  }
  if (entries)
    closedir(entries);
  return newest;
}

int log_open_current(struct log_file *log) {
  if (log->plan->format == LOG_JSON)
    return open_file(log, log->plan->path);
  uint64_t newest = newest_sequence(log);
  log->sequence = newest > 0 ? newest : 1;
  if (access(name_of(log, log->sequence, ".gz").path, F_OK) == 0)
    log->sequence++;
  if (open_file(log, name_of(log, log->sequence, "").path) < 0)
    return -1;
  if (ends_with_record(log))
    return 0;
  log->sequence++;
  return open_file(log, name_of(log, log->sequence, "").path);
}

/* --- rotation --- */

static bool may_rotate(const struct log_file *log) {
  const struct plan_log *plan = log->plan;
  if (log->compressor > 0)
    return false;
  /* The file that would go: what the engine has not read of it would be lost. */
  return !plan->hold || log->needed + plan->max_files > log->sequence + 1;
}

/* `x.log` becomes `x.log.1`, that one `.2`, and so on; maxFiles counts the current one. */
static void rotate_json(struct log_file *log) {
  const struct plan_log *plan = log->plan;
  if (plan->max_files > 1)
    forget(log, plan->max_files - 1);
  for (uint64_t i = plan->max_files > 1 ? plan->max_files - 1 : 0; i > 0; i--) {
    rename(name_of(log, i - 1, "").path, name_of(log, i, "").path);
    if (i > 1)
      rename(name_of(log, i - 1, ".gz").path, name_of(log, i, ".gz").path);
  }
  /* With a single file a reader that has it open still gets to its end, and sees a new one. */
  if (plan->max_files == 1)
    unlink(plan->path);
  open_file(log, plan->path);
  if (plan->compress && plan->max_files > 1)
    start_compressor(log, 1);
}

static void rotate_entries(struct log_file *log) {
  const struct plan_log *plan = log->plan;
  uint64_t old = log->sequence++;
  open_file(log, name_of(log, log->sequence, "").path);
  for (uint64_t gone = log->sequence > plan->max_files ? log->sequence - plan->max_files : 0;
       gone > 0; gone--) {
    if (!forget(log, gone))
      break; /* the older ones went before */
  }
  if (plan->compress && plan->max_files > 1)
    start_compressor(log, old);
}

void log_rotate(struct log_file *log) {
  log->held = !may_rotate(log);
  if (log->held)
    return;
  if (log->plan->format == LOG_ENTRIES)
    rotate_entries(log);
  else
    rotate_json(log);
}

void log_retry_rotation(struct log_file *log) {
  if (log->held)
    log_rotate(log);
}
