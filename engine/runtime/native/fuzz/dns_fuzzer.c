/* libFuzzer entry: a container's question and a server's answer, read and answered. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t answer[DNS_MESSAGE_MAX];
  struct dns_query query;
  struct dns_writer writer;
  int code = dns_parse_query(data, size, &query);
  if (code < 0)
    return 0;
  dns_begin(&writer, answer, query.limit, &query);
  if (code == 0) {
    dns_add_name(&writer, query.name);
    dns_add_address(&writer, answer, 16);
    dns_answers(&query, query.id, data, size);
  }
  size_t written = dns_finish(&writer, &query, (enum dns_code)code);
  if (written > query.limit)
    abort();
  return 0;
}
