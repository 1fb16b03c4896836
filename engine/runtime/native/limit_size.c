/*
 * gantry-shim limit-size PROJECT BYTES DIRECTORY...: what is made in the directories from now on
 * counts for one project, and the project may hold BYTES (0: any number). Project quota is what
 * ext4 (prjquota) and XFS (pquota) have to limit a tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "archive.h"
#include "commands.h"
#include "descriptor.h"
#include "error.h"

#ifndef PRJQUOTA
#define PRJQUOTA 2
#endif

enum { QUOTA_BLOCK_BYTES = 1024 };

/* The project of a directory passes to everything that is made in it (FS_XFLAG_PROJINHERIT). */
static int join_project(int directory, uint32_t project, struct error *err) {
  struct fsxattr attributes;
  if (ioctl(directory, FS_IOC_FSGETXATTR, &attributes) < 0)
    return error_set(err, errno, "read the project");
  attributes.fsx_projid = project;
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  if (ioctl(directory, FS_IOC_FSSETXATTR, &attributes) < 0)
    return error_set(err, errno, "set the project");
  return 0;
}

static int limit_project(int directory, uint32_t project, uint64_t bytes, struct error *err) {
  struct dqblk limits = {
      .dqb_bhardlimit = (bytes + QUOTA_BLOCK_BYTES - 1) / QUOTA_BLOCK_BYTES,
      .dqb_bsoftlimit = (bytes + QUOTA_BLOCK_BYTES - 1) / QUOTA_BLOCK_BYTES,
      .dqb_valid = QIF_BLIMITS,
  };
  int command = QCMD(Q_SETQUOTA, PRJQUOTA);
  if (syscall(SYS_quotactl_fd, directory, command, project, &limits) < 0)
    return error_set(err, errno, "set the project's quota");
  return 0;
}

static int limit_directory(const char *path, uint32_t project, uint64_t bytes, struct error *err) {
  autoclose int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0)
    return error_set(err, errno, "open %.256s", path);
  /* The limit first: it is what fails where there is no quota. */
  if (limit_project(directory, project, bytes, err) < 0 ||
      (bytes > 0 && join_project(directory, project, err) < 0))
    return error_wrap(err, "%.256s", path);
  return 0;
}

int limit_size_main(int argc, char **argv) {
  char *end[2] = {NULL, NULL};
  unsigned long long project = argc < 4 ? 0 : strtoull(argv[1], &end[0], 10);
  unsigned long long bytes = argc < 4 ? 0 : strtoull(argv[2], &end[1], 10);
  if (argc < 4 || *end[0] || *end[1] || project == 0 || project > UINT32_MAX) {
    fprintf(stderr, "usage: gantry-shim limit-size PROJECT BYTES DIRECTORY...\n");
    return 2;
  }
  struct error err = {0};
  for (int i = 3; i < argc; i++) {
    if (limit_directory(argv[i], (uint32_t)project, bytes, &err) < 0)
      return archive_fail(&err);
  }
  return 0;
}
