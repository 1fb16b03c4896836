/*
 * gantry-shim layer-worker: stores layers, one after the other, each in a child of its own. A job
 * on stdin is a frame (u32 length, little endian) of NUL-terminated arguments
 *
 *   WORK-DIRECTORY image|directory none|gzip|zstd MAX-BYTES MAX-RATIO RATIO-FROM [FILE OFFSET SIZE]
 *
 * and, without FILE, the layer's bytes in frames up to an empty one. The answer on stdout is one
 * line of JSON. After a failure the worker ends: the rest of the job's bytes means nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive.h"
#include "commands.h"
#include "descriptor.h"
#include "erofs_image.h"
#include "extract.h"
#include "frame.h"
#include "layer_source.h"
#include "layer_tree.h"

enum { MAX_JOB = 16 * 1024, MIN_ARGUMENTS = 6, FILE_ARGUMENTS = 9 };
/* SECURITY: bounds what a hostile layer makes a child take, whatever its decoder thinks. */
#define MAX_MEMORY ((rlim_t)1536 * 1024 * 1024)

struct job {
  char text[MAX_JOB];
  const char *arguments[FILE_ARGUMENTS + 1];
  size_t count;
};

struct summary {
  uint64_t entries, bytes;
  char index[SHA256_HEX]; /* digest of an image's index, "" for a directory */
};

/* 1: read; 0: the end came before the first byte. */
static int read_exactly(void *data, size_t size) {
  for (size_t got = 0; got < size;) {
    ssize_t count = read(STDIN_FILENO, (char *)data + got, size - got);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return got == 0 && count == 0 ? 0 : -1;
    got += (size_t)count;
  }
  return 1;
}

static int read_job(struct job *job, struct error *err) {
  uint8_t length[4];
  int found = read_exactly(length, sizeof length);
  if (found <= 0)
    return found;
  size_t size = load_u32(length);
  if (size == 0 || size > sizeof job->text || read_exactly(job->text, size) != 1 ||
      job->text[size - 1] != '\0')
    return error_set(err, EINVAL, "job");
  job->count = 0;
  for (size_t at = 0; at < size && job->count <= FILE_ARGUMENTS; at += strlen(job->text + at) + 1)
    job->arguments[job->count++] = job->text + at;
  if (job->count != MIN_ARGUMENTS && job->count != FILE_ARGUMENTS)
    return error_set(err, EINVAL, "job of %zu arguments", job->count);
  return 1;
}

static uint64_t number(const struct job *job, size_t index) {
  return strtoull(job->arguments[index], NULL, 10);
}

static int open_input(const struct job *job, struct layer_source *source, struct error *err) {
  source->framed = job->count == MIN_ARGUMENTS;
  source->input = STDIN_FILENO;
  if (source->framed)
    return 0;
  source->input = open(job->arguments[6], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  source->offset = number(job, 7);
  source->left = number(job, 8);
  source->ended = true;
  return source->input < 0 ? error_set(err, errno, "open %.256s", job->arguments[6]) : 0;
}

static int create(int directory, const char *name, struct error *err) {
  int fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  return fd < 0 ? error_set(err, errno, "create %s", name) : fd;
}

/* The tar as it is, and an index in front of and behind it. */
static int store_image(struct layer_source *source, int work, struct summary *summary,
                       struct error *err) {
  autoclose int file = create(work, "layer.erofs", err);
  struct tar_reader reader;
  struct layer_tree tree;
  if (file < 0 || lseek(file, EROFS_HEAD, SEEK_SET) < 0)
    return error_set(err, errno, "create the layer's file");
  source->keep_tar = file;
  if (tar_reader_open_stream(&reader, layer_source_read, source, err) < 0)
    return -1;
  int result = layer_tree_read(&tree, &reader, err);
  *summary = (struct summary){.entries = tree.entries, .bytes = tree.bytes};
  if (result == 0)
    result = erofs_image_write(file, &tree, source->tar_bytes, summary->index, err);
  /* A layer is whole on disk before it gets its name. */
  if (result == 0 && fdatasync(file) < 0)
    result = error_set(err, errno, "sync the layer");
  tar_reader_close(&reader);
  layer_tree_free(&tree);
  return result;
}

/* The files, and the bytes as they came: what the tar is read back from. */
static int store_directory(struct layer_source *source, int work, struct summary *summary,
                           struct error *err) {
  const struct extract_options options = {.layer = true, .root = -1};
  struct extract_summary extracted;
  autoclose int blob = create(work, "blob", err);
  if (blob < 0)
    return -1;
  if (mkdirat(work, "diff", 0755) < 0)
    return error_set(err, errno, "create the layer's directory");
  autoclose int directory = openat(work, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return error_set(err, errno, "open the layer's directory");
  source->keep_blob = blob;
  if (extract_stream(layer_source_read, source, directory, &options, &extracted, err) < 0)
    return -1;
  *summary = (struct summary){.entries = extracted.entries, .bytes = extracted.bytes};
  /* One sync of the file system instead of one per file. */
  return syncfs(directory) < 0 ? error_set(err, errno, "sync the layer") : 0;
}

static int run_job(const struct job *job, struct layer_source *source, struct summary *summary,
                   struct error *err) {
  int kind = decoder_kind(job->arguments[2]);
  if (kind < 0)
    return error_set(err, EINVAL, "compression %.32s", job->arguments[2]);
  source->limits = (struct layer_limits){number(job, 3), number(job, 4), number(job, 5)};
  if (source->limits.ratio == 0)
    return error_set(err, EINVAL, "limits");
  autoclose int work = open(job->arguments[0], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (work < 0)
    return error_set(err, errno, "open %.256s", job->arguments[0]);
  if (open_input(job, source, err) < 0 ||
      layer_source_open(source, (enum decoder_kind)kind, err) < 0)
    return -1;
  bool image = strcmp(job->arguments[1], "image") == 0;
  return image ? store_image(source, work, summary, err)
               : store_directory(source, work, summary, err);
}

static void print_summary(struct layer_source *source, const struct summary *summary) {
  char tar[SHA256_HEX], blob[SHA256_HEX];
  layer_source_digests(source, blob, tar);
  printf("{\"diffId\":\"sha256:%s\",\"digest\":\"sha256:%s\",\"blobBytes\":%" PRIu64
         ",\"tarBytes\":%" PRIu64 ",\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64
         ",\"indexDigest\":\"%s\"}\n",
         tar, blob, source->blob_bytes, source->tar_bytes, summary->entries, summary->bytes,
         summary->index);
}

static void print_failure(const struct error *err) {
  printf("{\"errno\":\"%s\",\"message\":", error_name(err->number));
  archive_json_string(stdout, err->message);
  printf("}\n");
}

static _Noreturn void work_on(const struct job *job) {
  struct error err = {0};
  struct layer_source source = {.keep_blob = -1, .keep_tar = -1};
  struct summary summary = {0};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const struct rlimit memory = {MAX_MEMORY, MAX_MEMORY};
  setrlimit(RLIMIT_AS, &memory);
  int result = run_job(job, &source, &summary, &err);
  if (result == 0)
    print_summary(&source, &summary);
  else
    print_failure(&err);
  _exit(fflush(stdout) == 0 && result == 0 ? 0 : 1);
}

static int serve(struct error *err) {
  static struct job job;
  int found;
  while ((found = read_job(&job, err)) > 0) {
    pid_t pid = fork();
    if (pid == 0)
      work_on(&job);
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
      return error_set(err, errno, "fork");
    if (WIFSIGNALED(status))
      return error_set(err, 0, "the layer's process was killed by signal %d", WTERMSIG(status));
    if (status != 0)
      return 0;
  }
  return found;
}

int layer_worker_main(int argc, char **argv) {
  struct error err = {0};
  (void)argc;
  (void)argv;
  signal(SIGPIPE, SIG_DFL);
  if (serve(&err) < 0) {
    print_failure(&err);
    return 1;
  }
  return 0;
}
