#include "gzip_member.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

struct gzip_member {
  z_stream stream;
};

struct gzip_member *gzip_member_open(void) {
  struct gzip_member *member = calloc(1, sizeof *member);
  if (member && inflateInit2(&member->stream, 15 + 16) != Z_OK) { /* gzip framing only */
    free(member);
    return NULL;
  }
  return member;
}

void gzip_member_close(struct gzip_member *member) {
  if (member)
    inflateEnd(&member->stream);
  free(member);
}

void gzip_member_restart(struct gzip_member *member) {
  inflateReset(&member->stream);
}

int gzip_member_run(struct gzip_member *member, const unsigned char *input, size_t *input_size,
                    unsigned char *output, size_t *output_size, bool *ended, struct error *err) {
  z_stream *stream = &member->stream;
  stream->next_in = (unsigned char *)input;
  stream->avail_in = (unsigned)*input_size;
  stream->next_out = output;
  stream->avail_out = (unsigned)*output_size;
  int status = inflate(stream, Z_NO_FLUSH);
  if (status == Z_MEM_ERROR)
    return error_set(err, ENOMEM, "decompress");
  if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
    return error_set(err, 0, "damaged gzip data: %s",
                     stream->msg ? stream->msg : "it cannot be read");
  *input_size -= stream->avail_in;
  *output_size -= stream->avail_out;
  *ended = status == Z_STREAM_END;
  return 0;
}
