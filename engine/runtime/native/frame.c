#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "frame.h"

enum { READ_BYTES = 4096, SEND_PATIENCE_MS = 5000 };

/* Frames hold environments with secrets: what is over is wiped, since every fork of the zygote
 * inherits the rest. */
static void discard_consumed(struct frame_reader *reader) {
  if (reader->consumed == 0)
    return;
  reader->used -= reader->consumed;
  memmove(reader->buffer, reader->buffer + reader->consumed, reader->used);
  explicit_bzero(reader->buffer + reader->used, reader->consumed);
  reader->consumed = 0;
}

static int reserve(struct frame_reader *reader, size_t size, struct error *err) {
  if (size <= reader->capacity)
    return 0;
  struct frame_reader grown = *reader;
  grown.buffer = malloc(size);
  grown.capacity = size;
  if (!grown.buffer)
    return error_set(err, ENOMEM, "read a frame");
  if (reader->used > 0)
    memcpy(grown.buffer, reader->buffer, reader->used);
  frame_reader_free(reader);
  *reader = grown;
  return 0;
}

int frame_read(struct frame_reader *reader, int fd, struct error *err) {
  discard_consumed(reader);
  size_t wanted = reader->used + READ_BYTES;
  if (reader->used >= 4) {
    size_t whole = 4 + (size_t)load_u32(reader->buffer);
    if (whole > wanted && whole <= FRAME_MAX_BYTES)
      wanted = whole;
  }
  if (reserve(reader, wanted, err) < 0)
    return -1;
  ssize_t count;
  do {
    count = recv(fd, reader->buffer + reader->used, reader->capacity - reader->used, MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0)
    return error_set(err, errno, "read a frame");
  reader->used += (size_t)count;
  return count > 0;
}

int frame_next(struct frame_reader *reader, struct frame *frame, struct error *err) {
  discard_consumed(reader);
  if (reader->used < 4)
    return 0;
  uint32_t length = load_u32(reader->buffer);
  if (length < FRAME_HEADER - 4 || length > FRAME_MAX_BYTES - 4)
    return error_set(err, EMSGSIZE, "frame of %u bytes", length);
  if (reader->used < 4 + (size_t)length)
    return 0;
  frame->request = load_u32(reader->buffer + 4);
  frame->type = reader->buffer[8];
  frame->payload = reader->buffer + FRAME_HEADER;
  frame->size = length - (FRAME_HEADER - 4);
  reader->consumed = 4 + (size_t)length;
  return 1;
}

struct frame_rest frame_rest(const struct frame_reader *reader) {
  return (struct frame_rest){reader->buffer + reader->consumed, reader->used - reader->consumed};
}

void frame_reader_free(struct frame_reader *reader) {
  if (reader->buffer)
    explicit_bzero(reader->buffer, reader->capacity);
  free(reader->buffer);
  *reader = (struct frame_reader){0};
}

int frame_send(int fd, uint32_t request, uint8_t type, const void *payload, size_t size) {
  uint8_t header[FRAME_HEADER];
  store_u32(header, (uint32_t)(size + FRAME_HEADER - 4));
  store_u32(header + 4, request);
  header[8] = type;
  struct iovec parts[] = {{header, sizeof header}, {(void *)payload, size}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  while (message.msg_iovlen > 0) {
    ssize_t count = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) {
      struct pollfd writable = {fd, POLLOUT, 0};
      if (poll(&writable, 1, SEND_PATIENCE_MS) <= 0)
        return -1;
      continue;
    }
    if (count < 0 && errno != EINTR)
      return -1;
    for (size_t left = count > 0 ? (size_t)count : 0; message.msg_iovlen > 0;) {
      struct iovec *part = message.msg_iov;
      size_t sent = left < part->iov_len ? left : part->iov_len;
      if (sent > 0) /* an empty payload may have no address */
        part->iov_base = (uint8_t *)part->iov_base + sent;
      part->iov_len -= sent;
      left -= sent;
      if (part->iov_len > 0)
        break;
      message.msg_iov++;
      message.msg_iovlen--;
    }
  }
  return 0;
}

int frame_send_error(int fd, uint32_t request, uint8_t type, const struct error *err) {
  char payload[sizeof *err + 64];
  const char *fields[] = {err->stage, error_name(err->number), err->message};
  size_t size = 0;
  for (size_t i = 0; i < 3; i++) {
    size_t length = strlen(fields[i]) + 1;
    memcpy(payload + size, fields[i], length);
    size += length;
  }
  return frame_send(fd, request, type, payload, size);
}
