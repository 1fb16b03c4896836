/*
 * libFuzzer entry: any archive unpacked into a directory beside one that must stay as it is. The
 * first byte chooses the rules: an image layer's, or those of docker cp.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "descriptor.h"
#include "extract.h"
#include "fuzz.h"
#include "rooted.h"

static int work = -1;

static void open_work(void) {
  static char directory[] = "/dev/shm/gantry-fuzz-XXXXXX";
  if (work >= 0)
    return;
  if (!mkdtemp(directory) || (work = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
      mkdirat(work, "out", 0700) < 0)
    abort();
  autoclose int file = openat(work, "out/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || write(file, "safe", 4) != 4)
    abort();
}

static void check_outside(void) {
  struct stat file, directory;
  char content[8] = "";
  autoclose int fd = openat(work, "out/file", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &file) < 0 || fstatat(work, "out", &directory, 0) < 0 ||
      read(fd, content, sizeof content) != 4 || memcmp(content, "safe", 4) != 0 ||
      (file.st_mode & 07777) != 0600 || file.st_nlink != 1 || (directory.st_mode & 07777) != 0700)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct error err = {0};
  if (size < 1)
    return 0;
  open_work();
  if (mkdirat(work, "in", 0700) < 0)
    abort();
  autoclose int base = openat(work, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const struct extract_options options = {
      .layer = !(data[0] & 1),
      .keep_directories = data[0] & 2,
      .root = data[0] & 1 ? base : -1,
      .base_path = "",
  };
  uint8_t *sealed = fuzz_seal(data + 1, size - 1);
  struct fuzz_bytes bytes = {sealed, size - 1};
  struct extract_summary summary;
  extract_stream(fuzz_read, &bytes, base, &options, &summary, &err);
  free(sealed);
  check_outside();
  if (rooted_remove(work, "in", &err) < 0)
    abort();
  return 0;
}
