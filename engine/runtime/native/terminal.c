#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "descriptor.h"
#include "terminal.h"

/*
 * SECURITY: 2025-52565. By descriptor, of a filesystem that is checked to be devpts; the container
 * cannot stand in between.
 */
int terminal_open(int devpts, int child[3], struct error *err) {
  struct stat stat;
  struct statfs filesystem;
  autoclose int master =
      openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (master < 0 || fstat(master, &stat) < 0 || stat.st_rdev != makedev(5, 2) ||
      fstatfs(master, &filesystem) < 0 || filesystem.f_type != DEVPTS_SUPER_MAGIC)
    return error_set(err, errno ? errno : ENOTTY, "open a terminal");
  int unlocked = 0;
  if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
    return error_set(err, errno, "unlock the terminal");
  child[0] = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (child[0] < 0)
    return error_set(err, errno, "open the terminal's peer");
  child[1] = fcntl(child[0], F_DUPFD_CLOEXEC, 3);
  child[2] = fcntl(child[0], F_DUPFD_CLOEXEC, 3);
  if (child[1] < 0 || child[2] < 0)
    return error_set(err, errno, "open a terminal");
  return take_fd(&master);
}

int terminal_send(int master, const char *path, struct error *err) {
  static const char name[] = "/dev/ptmx";
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS}};
  struct iovec data = {(void *)name, sizeof name - 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (strlen(path) >= sizeof address.sun_path)
    return error_set(err, ENAMETOOLONG, "console socket %s", path);
  strcpy(address.sun_path, path);
  memcpy(CMSG_DATA(&control.head), &master, sizeof master);
  autoclose int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0 ||
      sendmsg(connection, &message, MSG_NOSIGNAL) < 0)
    return error_set(err, errno, "console socket %s", path);
  return 0;
}
