/* One container's supervisor. */
#ifndef GANTRY_SHIM_H
#define GANTRY_SHIM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Becomes the shim of the plan and never returns. `report` is a pipe to the zygote: closed without
 * a byte once the shim's socket listens, else it carries a struct error first.
 */
_Noreturn void shim_main(const uint8_t *plan, size_t size, int report);

#endif
