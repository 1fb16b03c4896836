/* What the resolver does once it has nothing left to lose. */
#ifndef GANTRY_RESOLVER_LOOP_H
#define GANTRY_RESOLVER_LOOP_H

#include <stddef.h>

#include "error.h"

enum {
  RESOLVER_ADDRESS = 0x7f00000b, /* 127.0.0.11 */
  RESOLVER_HOST_STREAMS = 4,
  RESOLVER_HOST_SOCKETS = 20,
};

/* `host`: sockets of the host's network namespace, for nameservers on its loopback; first the
 * streams. */
struct resolver_sockets {
  int udp, tcp;
  int host[RESOLVER_HOST_SOCKETS];
};

/* While it may still do everything. The working directory has the tables, `id` names the
 * container's. */
int resolver_prepare(const struct resolver_sockets *sockets, const char *id, struct error *err);
void resolver_run(void);

#endif
