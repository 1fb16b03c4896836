/*
 * libFuzzer entry: a user as the request has it (the first line) against an image's passwd and
 * group, which are both the rest.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "descriptor.h"
#include "fuzz.h"
#include "user.h"

enum { HIGHEST_ID = 0x7fffffff };

static int root_fd = -1;

static void put(const char *name, const uint8_t *data, size_t size) {
  autoclose int file = openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || write(file, data, size) != (ssize_t)size)
    abort();
}

static void open_root(void) {
  static char directory[] = "/dev/shm/gantry-fuzz-XXXXXX";
  if (root_fd >= 0)
    return;
  if (!mkdtemp(directory) || (root_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
      mkdirat(root_fd, "etc", 0700) < 0)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char spec[256];
  const uint8_t *line = memchr(data, '\n', size);
  size_t length = line ? (size_t)(line - data) : size;
  if (!line || length >= sizeof spec || memchr(data, '\0', length))
    return 0;
  memcpy(spec, data, length);
  spec[length] = '\0';
  open_root();
  put("etc/passwd", line + 1, size - length - 1);
  put("etc/group", line + 1, size - length - 1);
  const char *names[] = {"staff", "9", spec, NULL};
  const struct plan_strings additional = {.items = names, .count = 3};
  static struct user user;
  struct error err = {0};
  if (user_resolve(root_fd, spec, &additional, &user, &err) < 0)
    return 0;
  if (user.uid > HIGHEST_ID || user.gid > HIGHEST_ID || user.group_count > USER_MAX_GROUPS ||
      user.groups[0] != user.gid || strlen(user.home) >= sizeof user.home)
    abort();
  return 0;
}
