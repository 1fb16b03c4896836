/*
 * DNS messages (RFC 1035, 6891) as the resolver needs them: the one question of a query is read,
 * and answers from our own tables are written. What upstream servers say is passed on unread but
 * for its header and question.
 */
#ifndef GANTRY_DNS_MESSAGE_H
#define GANTRY_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  DNS_HEADER = 12,
  DNS_NAME_MAX = 255,
  DNS_PLAIN_UDP = 512, /* what a client without EDNS takes */
  DNS_OUR_UDP = 1232,  /* fits into any frame (DNS flag day 2020) */
  DNS_MESSAGE_MAX = 65535,
};

enum dns_type {
  DNS_A = 1,
  DNS_NS = 2,
  DNS_SOA = 6,
  DNS_PTR = 12,
  DNS_AAAA = 28,
  DNS_OPT = 41,
  DNS_DS = 43,
  DNS_DNSKEY = 48,
  DNS_ANY = 255,
};

enum dns_code {
  DNS_OK = 0,
  DNS_FORMAT_ERROR = 1,
  DNS_SERVER_FAILURE = 2,
  DNS_NO_NAME = 3,
  DNS_NOT_IMPLEMENTED = 4,
  DNS_REFUSED = 5,
};

struct dns_query {
  uint16_t id, flags, type, class;
  char name[DNS_NAME_MAX + 1]; /* lower case, without the last dot; "" is the root */
  size_t labels;
  const uint8_t *question; /* in the message: name, type, class */
  size_t question_size;
  bool edns;
  size_t limit; /* bytes of an answer that the client takes by UDP */
};

/* 0: *query is whole. Otherwise the enum dns_code to answer with (question_size is then 0), or -1:
 * no query at all, not to be answered. */
int dns_parse_query(const uint8_t *message, size_t size, struct dns_query *query);

/* Whether an upstream's answer belongs to the question. */
bool dns_answers(const struct dns_query *query, uint16_t id, const uint8_t *message, size_t size);

static inline enum dns_code dns_code_of(const uint8_t *message) {
  return (enum dns_code)(message[3] & 0xf);
}

/* An answer under construction. */
struct dns_writer {
  uint8_t *data;
  size_t size, capacity;
  uint16_t answers;
  bool truncated;
};

/* `capacity` is the client's limit. Starts with the header and the question. */
void dns_begin(struct dns_writer *writer, uint8_t *data, size_t capacity,
               const struct dns_query *query);
/* An address of 4 or 16 bytes, or a PTR's name. */
void dns_add_address(struct dns_writer *writer, const uint8_t *address, size_t size);
void dns_add_name(struct dns_writer *writer, const char *name);
/* Returns the size of the whole message. An answer that does not fit goes out without answers and
 * with TC, so that the client comes again by TCP. */
size_t dns_finish(struct dns_writer *writer, const struct dns_query *query, enum dns_code code);

#endif
