/* Transactions of nf_tables that the engine composed. */
#ifndef GANTRY_NETFILTER_H
#define GANTRY_NETFILTER_H

#include <stddef.h>

#include "error.h"

/* In the caller's network namespace; all of it is in force afterwards, or nothing. */
int netfilter_apply(const void *batch, size_t size, struct error *err);

#endif
