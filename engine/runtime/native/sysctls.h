#ifndef GANTRY_SYSCTLS_H
#define GANTRY_SYSCTLS_H

#include "error.h"
#include "plan.h"

/* Of the namespaces that the caller is in. */
int sysctls_write(const struct plan_pairs *sysctls, struct error *err);

#endif
