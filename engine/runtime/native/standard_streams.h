#ifndef GANTRY_STANDARD_STREAMS_H
#define GANTRY_STANDARD_STREAMS_H

#include "error.h"

/* Descriptors 0, 1 and 2 become /dev/null, whichever of them were open before. */
int standard_streams_silence(struct error *err);

#endif
