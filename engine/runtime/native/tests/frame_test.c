#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "test.h"

static void puts_frames_together_from_single_bytes(void) {
  int ends[2], wire[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 &&
        socketpair(AF_UNIX, SOCK_STREAM, 0, wire) == 0);
  CHECK(frame_send(ends[0], 7, FRAME_KILL, "abcd", 4) == 0);
  CHECK(frame_send(ends[0], 8, FRAME_START, NULL, 0) == 0);
  CHECK(send(ends[0], "raw", 3, 0) == 3);
  struct frame_reader reader = {0};
  struct frame frame;
  struct error err = {0};
  char byte;
  int count = 0;
  while (recv(ends[1], &byte, 1, MSG_DONTWAIT) == 1) {
    CHECK(send(wire[0], &byte, 1, 0) == 1);
    CHECK(frame_read(&reader, wire[1], &err) == 1);
    if (count == 2 || frame_next(&reader, &frame, &err) <= 0)
      continue;
    count++;
    CHECK(frame.request == (count == 1 ? 7 : 8));
    CHECK(frame.size == (count == 1 ? 4 : 0));
    if (count == 1)
      CHECK(memcmp(frame.payload, "abcd", 4) == 0);
  }
  CHECK(count == 2);
  struct frame_rest rest = frame_rest(&reader);
  CHECK(rest.size == 3 && memcmp(rest.data, "raw", 3) == 0);
  CHECK(frame_read(&reader, wire[1], &err) < 0 && err.number == EAGAIN);
  close(wire[0]);
  CHECK(frame_read(&reader, wire[1], &err) == 0);
  frame_reader_free(&reader);
  close(wire[1]);
  close(ends[0]);
  close(ends[1]);
}

static void expect_refusal(const uint8_t *bytes, size_t size) {
  int ends[2];
  struct frame_reader reader = {0};
  struct frame frame;
  struct error err = {0};
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  CHECK(send(ends[0], bytes, size, 0) == (ssize_t)size);
  CHECK(frame_read(&reader, ends[1], &err) == 1);
  CHECK(frame_next(&reader, &frame, &err) < 0);
  frame_reader_free(&reader);
  close(ends[0]);
  close(ends[1]);
}

static void refuses_lengths_out_of_bounds(void) {
  expect_refusal((const uint8_t[]){4, 0, 0, 0}, 4);
  expect_refusal((const uint8_t[]){0xff, 0xff, 0xff, 0xff}, 4);
  expect_refusal((const uint8_t[]){0, 0, 0x11, 0, 0, 0, 0, 0, 0}, 9);
}

static void wipes_what_was_read(void) {
  int ends[2];
  struct frame_reader reader = {0};
  struct frame frame;
  struct error err = {0};
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  CHECK(frame_send(ends[0], 1, FRAME_FORK, "PASSWORD=secret", 15) == 0);
  CHECK(frame_read(&reader, ends[1], &err) == 1 && frame_next(&reader, &frame, &err) == 1);
  CHECK(frame_next(&reader, &frame, &err) == 0);
  CHECK(memmem(reader.buffer, reader.capacity, "secret", 6) == NULL);
  frame_reader_free(&reader);
  close(ends[0]);
  close(ends[1]);
}

static void carries_errors(void) {
  int ends[2];
  struct frame_reader reader = {0};
  struct frame frame;
  struct error err = {0};
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  error_set(&err, ENOENT, "open x");
  error_stage(&err, "mount");
  CHECK(frame_send_error(ends[0], 3, FRAME_ERROR, &err) == 0);
  CHECK(frame_read(&reader, ends[1], &err) == 1 && frame_next(&reader, &frame, &err) == 1);
  static const char expected[] = "mount\0ENOENT\0open x: no such file or directory";
  CHECK(frame.size == sizeof expected && memcmp(frame.payload, expected, sizeof expected) == 0);
  frame_reader_free(&reader);
  close(ends[0]);
  close(ends[1]);
}

const struct test_case frame_tests[] = {
    {"frames are put together byte by byte and the raw rest is kept",
     puts_frames_together_from_single_bytes},
    {"a frame too short or too long is refused before it is buffered",
     refuses_lengths_out_of_bounds},
    {"a frame's content does not stay in memory that forks inherit", wipes_what_was_read},
    {"an error travels as stage, errno name and message", carries_errors},
    {0},
};
