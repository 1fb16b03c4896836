#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "descriptor.h"
#include "shim_state.h"

/*
 * Whole or not there, by rename. No fsync: the file has to outlive the engine, not the machine,
 * whose end also ends the container; the run root is a tmpfs.
 */
int exit_record_write(int directory, int exit_code, int signal, bool oom_killed,
                      const char *finished_at, struct error *err) {
  char text[256];
  int size = snprintf(text, sizeof text,
                      "{\"exitCode\":%d,\"signal\":%d,\"oomKilled\":%s,\"finishedAt\":\"%s\"}\n",
                      exit_code, signal, oom_killed ? "true" : "false", finished_at);
  autoclose int file =
      openat(directory, "exit.json.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || write(file, text, (size_t)size) != size ||
      renameat(directory, "exit.json.tmp", directory, "exit.json") < 0)
    return error_set(err, errno, "write exit.json");
  return 0;
}
