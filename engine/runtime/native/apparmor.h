#ifndef GANTRY_APPARMOR_H
#define GANTRY_APPARMOR_H

#include "error.h"

/* From the next execve on the process is confined by `profile`, which the host has loaded. Inside
 * the container's namespaces, as long as procfs can be mounted. */
int apparmor_apply(const char *profile, struct error *err);

#endif
