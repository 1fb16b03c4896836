#include "dns_message.h"

#include <ctype.h>
#include <string.h>

enum {
  FLAG_RESPONSE = 0x8000,
  FLAG_AUTHORITATIVE = 0x0400,
  FLAG_TRUNCATED = 0x0200,
  FLAG_RECURSION_DESIRED = 0x0100,
  FLAG_RECURSION_AVAILABLE = 0x0080,
  OPCODE_MASK = 0x7800,
  MAX_LABEL = 63,
  OPT_SIZE = 11,
  TTL_SECONDS = 600,
  CLASS_IN = 1,
};

static uint16_t load16(const uint8_t *data) {
  return (uint16_t)(data[0] << 8 | data[1]);
}

static void store16(uint8_t *data, unsigned value) {
  data[0] = (uint8_t)(value >> 8);
  data[1] = (uint8_t)value;
}

/*
 * SECURITY: these bytes are the container's. Every length is compared with what is left before it
 * is used; compression, which no question needs, is refused, so that reading only ever goes
 * forward. A dot or a control character inside a label would make two names look alike: no such
 * name is ours, and it becomes one that no table holds.
 */
static size_t read_name(const uint8_t *data, size_t size, struct dns_query *query) {
  size_t at = 0, length = 0;
  query->labels = 0;
  for (;;) {
    if (at >= size)
      return 0;
    size_t label = data[at++];
    if (label == 0)
      break;
    if (label > MAX_LABEL || label > size - at || at + label > DNS_NAME_MAX)
      return 0;
    if (length > 0)
      query->name[length++] = '.';
    for (size_t i = 0; i < label; i++) {
      unsigned char character = data[at + i];
      bool plain = character > ' ' && character < 0x7f && character != '.';
      query->name[length++] = (char)(plain ? tolower(character) : '?');
    }
    at += label;
    query->labels++;
  }
  query->name[length] = '\0';
  return at;
}

/* Behind the question: nothing, or one OPT record of the root. Other records are not looked at. */
static void read_edns(const uint8_t *data, size_t size, struct dns_query *query) {
  query->limit = DNS_PLAIN_UDP;
  if (size < OPT_SIZE || data[0] != 0 || load16(data + 1) != DNS_OPT)
    return;
  size_t asked = load16(data + 3);
  query->edns = true;
  query->limit = asked < DNS_PLAIN_UDP ? DNS_PLAIN_UDP : asked > DNS_OUR_UDP ? DNS_OUR_UDP : asked;
}

int dns_parse_query(const uint8_t *message, size_t size, struct dns_query *query) {
  *query = (struct dns_query){.limit = DNS_PLAIN_UDP};
  if (size < DNS_HEADER)
    return -1;
  query->id = load16(message);
  query->flags = load16(message + 2);
  if (query->flags & FLAG_RESPONSE)
    return -1;
  if (query->flags & OPCODE_MASK)
    return DNS_NOT_IMPLEMENTED;
  if (load16(message + 4) != 1 || load16(message + 6) != 0)
    return DNS_FORMAT_ERROR;
  const uint8_t *question = message + DNS_HEADER;
  size_t left = size - DNS_HEADER, name = read_name(question, left, query);
  if (name == 0 || left - name < 4)
    return DNS_FORMAT_ERROR;
  query->type = load16(question + name);
  query->class = load16(question + name + 2);
  query->question = question;
  query->question_size = name + 4;
  read_edns(question + name + 4, left - name - 4, query);
  return 0;
}

/* A server may give the letters of the name back in another case. */
bool dns_answers(const struct dns_query *query, uint16_t id, const uint8_t *message, size_t size) {
  if (size < DNS_HEADER + query->question_size || load16(message) != id ||
      !(load16(message + 2) & FLAG_RESPONSE) || load16(message + 4) != 1)
    return false;
  for (size_t i = 0; i < query->question_size; i++) {
    if (tolower(message[DNS_HEADER + i]) != tolower(query->question[i]))
      return false;
  }
  return true;
}

static uint8_t *reserve(struct dns_writer *writer, size_t size) {
  if (writer->truncated || size > writer->capacity - writer->size) {
    writer->truncated = true;
    return NULL;
  }
  uint8_t *place = writer->data + writer->size;
  writer->size += size;
  return place;
}

void dns_begin(struct dns_writer *writer, uint8_t *data, size_t capacity,
               const struct dns_query *query) {
  /* Room for the OPT record is kept, and DNS_PLAIN_UDP always holds header and question. */
  *writer = (struct dns_writer){
      .data = data,
      .size = DNS_HEADER + query->question_size,
      .capacity = capacity - (query->edns ? OPT_SIZE : 0),
  };
  memset(data, 0, DNS_HEADER);
  if (query->question_size > 0)
    memcpy(data + DNS_HEADER, query->question, query->question_size);
}

/* Everything before the record's data. Its name is the question's, by reference. */
static uint8_t *add_record(struct dns_writer *writer, uint16_t type, size_t size) {
  uint8_t *record = reserve(writer, 12 + size);
  if (!record)
    return NULL;
  store16(record, 0xc000 | DNS_HEADER);
  store16(record + 2, type);
  store16(record + 4, CLASS_IN);
  store16(record + 6, 0);
  store16(record + 8, TTL_SECONDS);
  store16(record + 10, (unsigned)size);
  writer->answers++;
  return record + 12;
}

void dns_add_address(struct dns_writer *writer, const uint8_t *address, size_t size) {
  uint8_t *data = add_record(writer, size == 4 ? DNS_A : DNS_AAAA, size);
  if (data)
    memcpy(data, address, size);
}

void dns_add_name(struct dns_writer *writer, const char *name) {
  uint8_t encoded[DNS_NAME_MAX + 1];
  size_t size = 0;
  while (*name) {
    size_t label = strcspn(name, ".");
    if (label == 0 || label > MAX_LABEL || size + label + 2 > sizeof encoded)
      return;
    encoded[size++] = (uint8_t)label;
    memcpy(encoded + size, name, label);
    size += label;
    name += label + (name[label] == '.');
  }
  encoded[size++] = 0;
  uint8_t *data = add_record(writer, DNS_PTR, size);
  if (data)
    memcpy(data, encoded, size);
}

size_t dns_finish(struct dns_writer *writer, const struct dns_query *query, enum dns_code code) {
  if (writer->truncated) {
    writer->size = DNS_HEADER + query->question_size;
    writer->answers = 0;
  }
  uint16_t flags = FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE;
  flags |= query->flags & (OPCODE_MASK | FLAG_RECURSION_DESIRED);
  flags |= code == DNS_OK || code == DNS_NO_NAME ? FLAG_AUTHORITATIVE : 0;
  flags |= writer->truncated ? FLAG_TRUNCATED : 0;
  store16(writer->data, query->id);
  store16(writer->data + 2, flags | code);
  store16(writer->data + 4, query->question_size > 0);
  store16(writer->data + 6, writer->answers);
  if (query->edns) {
    uint8_t *opt = writer->data + writer->size;
    memset(opt, 0, OPT_SIZE);
    store16(opt + 1, DNS_OPT);
    store16(opt + 3, DNS_OUR_UDP);
    store16(writer->data + 10, 1);
    writer->size += OPT_SIZE;
  }
  return writer->size;
}
