#include "name_server.h"

#include <signal.h>
#include <time.h>

#include "resolver.h"

enum { QUICK_DEATHS = 5, LONG_LIFE_SECONDS = 60 };

static struct {
  struct plan owned;
  const struct plan_resolver *plan;
  pid_t pid; /* 0: none */
  time_t born;
  unsigned deaths;
} server;

static int start(int pidfd, struct error *err) {
  pid_t pid = resolver_fork(server.plan, pidfd, err);
  server.pid = pid < 0 ? 0 : pid;
  server.born = time(NULL);
  return pid < 0 ? error_stage(err, "network") : 0;
}

int name_server_start(const struct plan_resolver *plan, struct plan *owner, int pidfd,
                      struct error *err) {
  if (plan->directory[0] == '\0' || server.pid > 0)
    return 0;
  server.plan = plan;
  if (start(pidfd, err) < 0)
    return -1;
  if (owner) {
    server.owned = *owner;
    *owner = (struct plan){0};
    server.plan = &server.owned.network.resolver;
  }
  return 0;
}

void name_server_reaped(pid_t pid, int pidfd) {
  struct error ignored = {0};
  if (pid != server.pid || pid == 0)
    return;
  server.pid = 0;
  server.deaths = time(NULL) - server.born >= LONG_LIFE_SECONDS ? 1 : server.deaths + 1;
  if (server.deaths <= QUICK_DEATHS)
    start(pidfd, &ignored);
}

void name_server_stop(void) {
  if (server.pid > 0)
    kill(server.pid, SIGKILL);
  server.pid = 0;
}
