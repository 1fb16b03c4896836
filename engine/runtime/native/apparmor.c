#include "apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "filesystem.h"
#include "rooted.h"

/* SECURITY: 2019-16884, 2025-52881. Through a procfs that nobody else can mount over; a label that
 * cannot be had is an error, never a container without it. */
int apparmor_apply(const char *profile, struct error *err) {
  autoclose int proc = filesystem_mount("proc", "", 0, err);
  if (proc < 0)
    return -1;
  char path[64], command[512];
  snprintf(path, sizeof path, "%d/attr/apparmor/exec", getpid());
  int length = snprintf(command, sizeof command, "exec %s", profile);
  uint64_t rules = ROOTED_STRICT | RESOLVE_NO_XDEV;
  autoclose int file = rooted_open(proc, path, O_WRONLY, 0, rules);
  if (length >= (int)sizeof command || file < 0 || write(file, command, (size_t)length) != length)
    return error_set(err, errno, "apparmor failed to apply profile: write %s", path);
  return 0;
}
