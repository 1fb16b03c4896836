#include "sysctls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "filesystem.h"

/* sysctl(8)'s rule: dots separate, and a slash stands for a dot
 * (`net.ipv4.conf.eth0/1.forwarding`). */
static void sysctl_path(const char *name, char *path, size_t size) {
  int length = snprintf(path, size, "sys/%s", name);
  for (int i = 4; i < length && (size_t)i < size; i++) {
    if (path[i] == '.')
      path[i] = '/';
    else if (path[i] == '/')
      path[i] = '.';
  }
}

/* SECURITY: 2025-52881. Written through a procfs that nobody else can mount over, without following
 * anything. */
int sysctls_write(const struct plan_pairs *sysctls, struct error *err) {
  if (sysctls->count == 0)
    return 0;
  autoclose int proc = filesystem_mount("proc", "", 0, err);
  if (proc < 0)
    return -1;
  for (size_t i = 0; i < sysctls->count; i++) {
    const struct plan_pair *sysctl = &sysctls->items[i];
    char path[512];
    sysctl_path(sysctl->name, path, sizeof path);
    struct open_how how = {
        .flags = O_WRONLY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
    };
    autoclose int file = (int)syscall(SYS_openat2, proc, path, &how, sizeof how);
    if (file < 0 || write(file, sysctl->value, strlen(sysctl->value)) < 0)
      return error_set(err, errno, "sysctl %s = %s", sysctl->name, sysctl->value);
  }
  return 0;
}
