#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int is_child(const struct dirent *entry) {
  return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

DIR *directory_open(int fd) {
  int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = own < 0 ? NULL : fdopendir(own);
  if (!directory && own >= 0)
    close(own);
  return directory;
}

int directory_next(DIR *directory, struct dirent **entry, struct error *err) {
  do {
    errno = 0;
    *entry = readdir(directory);
  } while (*entry && !is_child(*entry));
  if (*entry)
    return 1;
  return errno == 0 ? 0 : error_set(err, errno, "read directory");
}

int directory_sorted(int fd, struct dirent ***entries) {
  return scandirat(fd, ".", entries, is_child, compare_names);
}
