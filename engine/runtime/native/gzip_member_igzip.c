#include "gzip_member.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

struct gzip_member {
  struct inflate_state state;
};

struct gzip_member *gzip_member_open(void) {
  struct gzip_member *member = malloc(sizeof *member);
  if (member)
    gzip_member_restart(member);
  return member;
}

void gzip_member_close(struct gzip_member *member) {
  free(member);
}

void gzip_member_restart(struct gzip_member *member) {
  isal_inflate_init(&member->state);
  member->state.crc_flag = ISAL_GZIP; /* header and checksum are its business */
}

static const char *reason_of(int status) {
  switch (status) {
  case ISAL_INVALID_WRAPPER:
    return "incorrect header check";
  case ISAL_INCORRECT_CHECKSUM:
    return "incorrect data check";
  case ISAL_INVALID_LOOKBACK:
    return "invalid distance too far back";
  default:
    return "invalid block";
  }
}

int gzip_member_run(struct gzip_member *member, const unsigned char *input, size_t *input_size,
                    unsigned char *output, size_t *output_size, bool *ended, struct error *err) {
  struct inflate_state *state = &member->state;
  state->next_in = (unsigned char *)input;
  state->avail_in = (uint32_t)*input_size;
  state->next_out = output;
  state->avail_out = (uint32_t)*output_size;
  int status = isal_inflate(state);
  if (status < 0)
    return error_set(err, 0, "damaged gzip data: %s", reason_of(status));
  *input_size -= state->avail_in;
  *output_size -= state->avail_out;
  *ended = state->block_state == ISAL_BLOCK_FINISH;
  return 0;
}
