/* The text of a json-file log: Go's escaping and Go's time. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log_file.h"

/* Bytes that stand for themselves: printable ASCII and DEL without " & < > and the backslash. */
static const bool plain[256] = {
    [0x20 ... 0x21] = true, [0x23 ... 0x25] = true, [0x27 ... 0x3b] = true,
    ['='] = true,           [0x3f ... 0x5b] = true, [0x5d ... 0x7f] = true,
};

/* Length of the valid UTF-8 sequence at `text` (RFC 3629: no surrogates, shortest form, up to
 * U+10FFFF), else 0. */
static size_t utf8_length(const unsigned char *text, size_t size) {
  unsigned char first = text[0], low = 0x80, high = 0xbf;
  size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                  : first >= 0xe0 && first <= 0xef ? 3
                  : first >= 0xf0 && first <= 0xf4 ? 4
                                                   : 0;
  if (length == 0 || length > size)
    return 0;
  if (first == 0xe0)
    low = 0xa0;
  else if (first == 0xed)
    high = 0x9f;
  else if (first == 0xf0)
    low = 0x90;
  else if (first == 0xf4)
    high = 0x8f;
  if (text[1] < low || text[1] > high)
    return 0;
  for (size_t i = 2; i < length; i++) {
    if (text[i] < 0x80 || text[i] > 0xbf)
      return 0;
  }
  return length;
}

static size_t escape_ascii(unsigned char byte, char *out) {
  static const char digits[] = "0123456789abcdef";
  out[0] = '\\';
  switch (byte) {
  case '"':
  case '\\':
    out[1] = (char)byte;
    return 2;
  case '\n':
    out[1] = 'n';
    return 2;
  case '\r':
    out[1] = 'r';
    return 2;
  }
  memcpy(out + 1, "u00", 3);
  out[4] = digits[byte >> 4];
  out[5] = digits[byte & 15];
  return 6;
}

size_t log_escape(const char *data, size_t size, char *out) {
  const unsigned char *text = (const unsigned char *)data;
  size_t used = 0;
  for (size_t i = 0; i < size;) {
    size_t start = i;
    while (i < size && plain[text[i]])
      i++;
    memcpy(out + used, text + start, i - start);
    used += i - start;
    if (i == size)
      break;
    if (text[i] < 0x80) {
      used += escape_ascii(text[i++], out + used);
      continue;
    }
    size_t length = utf8_length(text + i, size - i);
    bool separator =
        length == 3 && text[i] == 0xe2 && text[i + 1] == 0x80 && (text[i + 2] & 0xfe) == 0xa8;
    if (length == 0) {
      memcpy(out + used, "\\ufffd", 6);
      used += 6;
      i++;
    } else if (separator) {
      memcpy(out + used, text[i + 2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
      used += 6;
      i += length;
    } else {
      memcpy(out + used, text + i, length);
      used += length;
      i += length;
    }
  }
  return used;
}

void log_time(char text[32]) {
  struct timespec now;
  struct tm parts;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &parts);
  size_t length = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
  length += (size_t)snprintf(text + length, 32 - length, ".%09ld", now.tv_nsec);
  while (text[length - 1] == '0')
    length--;
  if (text[length - 1] == '.')
    length--;
  memcpy(text + length, "Z", 2);
}
