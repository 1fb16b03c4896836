#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy_tree.h"
#include "resolve.h"
#include "rooted.h"
#include "test.h"

static char directory[32];
static int root = -1;

static void open_root(void) {
  strcpy(directory, "/tmp/gantry-root-XXXXXX");
  CHECK(mkdtemp(directory) != NULL);
  root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void close_root(void) {
  struct error err = {0};
  close(root);
  int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CHECK(rooted_remove(parent, directory + strlen("/tmp/"), &err) == 0);
  close(parent);
}

static mode_t mode_of(const char *path) {
  struct stat stat = {0};
  return fstatat(root, path, &stat, AT_SYMLINK_NOFOLLOW) == 0 ? stat.st_mode : 0;
}

static int make(const char *path, bool file, bool follow, struct error *err) {
  int fd = resolve_or_create(root, path, file, follow, err);
  if (fd >= 0)
    close(fd);
  return fd < 0 ? -1 : 0;
}

static void makes_what_is_missing(void) {
  struct error err = {0};
  open_root();
  CHECK(make("/a/b//c/", false, true, &err) == 0 && S_ISDIR(mode_of("a/b/c")));
  CHECK(make("/a/b/c", false, false, &err) == 0);
  CHECK(make("/x/y/file", true, true, &err) == 0 && S_ISREG(mode_of("x/y/file")));
  CHECK(make("/top", true, true, &err) == 0 && S_ISREG(mode_of("top")));
  CHECK(make("/", false, true, &err) == 0);
  close_root();
}

static void stays_inside_the_root(void) {
  struct error err = {0};
  open_root();
  CHECK(symlinkat("/etc", root, "absolute") == 0 &&
        symlinkat("../../../etc", root, "relative") == 0);
  CHECK(make("/absolute/made", false, true, &err) < 0); /* dangling inside the root */
  CHECK(mkdirat(root, "etc", 0755) == 0);
  CHECK(make("/absolute/one", true, true, &err) == 0 && S_ISREG(mode_of("etc/one")));
  CHECK(make("/relative/two", false, true, &err) == 0 && S_ISDIR(mode_of("etc/two")));
  CHECK(make("/../../three", false, true, &err) < 0 && strstr(err.message, "invalid path"));
  close_root();
}

static void follows_nothing_when_told_so(void) {
  struct error err = {0};
  open_root();
  CHECK(mkdirat(root, "real", 0755) == 0 && symlinkat("real", root, "dev") == 0);
  CHECK(make("/dev", false, false, &err) < 0 && err.number == ELOOP);
  CHECK(make("/dev/pts", false, false, &err) < 0 && err.number == ELOOP);
  CHECK(mode_of("real/pts") == 0);
  close_root();
}

static void splits_off_the_last_part(void) {
  char clean[PATH_MAX];
  const char *name;
  struct error err = {0};
  open_root();
  int parent = resolve_parent(root, "/dev//net/tun", clean, &name, &err);
  CHECK(parent >= 0 && S_ISDIR(mode_of("dev/net")));
  CHECK_EQUAL(name, "tun");
  close(parent);
  close_root();
}

static void copies_files_links_and_directories(void) {
  struct error err = {0};
  open_root();
  CHECK(mkdirat(root, "from", 0755) == 0 && mkdirat(root, "to", 0755) == 0);
  CHECK(mkdirat(root, "from/sub", 0755) == 0 && fchmodat(root, "from/sub", 01750, 0) == 0);
  int file = openat(root, "from/sub/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  CHECK(file >= 0 && write(file, "content", 7) == 7 && fchmod(file, 04711) == 0);
  close(file);
  CHECK(symlinkat("/etc/passwd", root, "from/link") == 0 && mkfifoat(root, "from/fifo", 0600) == 0);
  CHECK(linkat(root, "from/sub/file", root, "from/same", 0) == 0);
  int from = openat(root, "from", O_PATH | O_CLOEXEC),
      to = openat(root, "to", O_RDONLY | O_CLOEXEC);
  CHECK(copy_tree(from, to, &err) == 0);
  CHECK(mode_of("to/sub") == (S_IFDIR | 01750) && mode_of("to/sub/file") == (S_IFREG | 04711));
  CHECK(S_ISLNK(mode_of("to/link")) && mode_of("to/fifo") == (S_IFIFO | 0600));
  struct stat one, other;
  CHECK(fstatat(root, "to/same", &one, 0) == 0 && fstatat(root, "to/sub/file", &other, 0) == 0);
  CHECK(one.st_ino == other.st_ino && one.st_nlink == 2);
  char text[16] = "";
  file = openat(root, "to/sub/file", O_RDONLY | O_CLOEXEC);
  CHECK(read(file, text, sizeof text - 1) == 7);
  CHECK_EQUAL(text, "content");
  close(file);
  close(from);
  close(to);
  close_root();
}

const struct test_case resolve_tests[] = {
    {"missing directories and files of a mount target are made", makes_what_is_missing},
    {"links of the image end inside its root", stays_inside_the_root},
    {"a link at /dev is refused, not followed", follows_nothing_when_told_so},
    {"a device's directory is made and its name split off", splits_off_the_last_part},
    {"a tmpfs is filled with modes, links and directories", copies_files_links_and_directories},
    {0},
};
