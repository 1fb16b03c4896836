#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dns_message.h"
#include "dns_names.h"
#include "test.h"

/* `web.app A IN`, recursion desired. */
static const uint8_t web_app[] = {
    0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'W', 'e', 'b', 3, 'a', 'p', 'p', 0, 0, 1, 0, 1,
};

static void reads_a_question(void) {
  struct dns_query query;
  CHECK(dns_parse_query(web_app, sizeof web_app, &query) == 0);
  CHECK_EQUAL(query.name, "web.app");
  CHECK(query.id == 0x1234 && query.type == DNS_A && query.class == 1 && query.labels == 2);
  CHECK(query.question_size == 13 && !query.edns && query.limit == DNS_PLAIN_UDP);
}

static void reads_how_much_a_client_takes(void) {
  uint8_t message[sizeof web_app + 11] = {0};
  memcpy(message, web_app, sizeof web_app);
  message[11] = 1;
  message[sizeof web_app + 2] = DNS_OPT;
  message[sizeof web_app + 3] = 0x10; /* 4096 */
  struct dns_query query;
  CHECK(dns_parse_query(message, sizeof message, &query) == 0);
  CHECK(query.edns && query.limit == DNS_OUR_UDP);
}

static void refuses_what_is_no_question(void) {
  struct dns_query query;
  uint8_t message[sizeof web_app];
  CHECK(dns_parse_query(web_app, 11, &query) < 0);
  memcpy(message, web_app, sizeof message);
  message[2] |= 0x80; /* an answer: two resolvers must not talk to each other for ever */
  CHECK(dns_parse_query(message, sizeof message, &query) < 0);
  memcpy(message, web_app, sizeof message);
  message[2] = 0x28; /* UPDATE */
  CHECK(dns_parse_query(message, sizeof message, &query) == DNS_NOT_IMPLEMENTED);
  memcpy(message, web_app, sizeof message);
  message[5] = 2;
  CHECK(dns_parse_query(message, sizeof message, &query) == DNS_FORMAT_ERROR);
  memcpy(message, web_app, sizeof message);
  message[12] = 0xc0; /* a compressed name */
  CHECK(dns_parse_query(message, sizeof message, &query) == DNS_FORMAT_ERROR);
  memcpy(message, web_app, sizeof message);
  message[12] = 60; /* longer than the message */
  CHECK(dns_parse_query(message, sizeof message, &query) == DNS_FORMAT_ERROR);
  CHECK(query.question_size == 0);
}

/* Each prefix, and each with one byte changed, in memory of exactly its size. */
static void survives_every_damaged_question(void) {
  for (size_t size = 0; size <= sizeof web_app; size++) {
    for (size_t at = 0; at <= size; at++) {
      uint8_t *message = malloc(size + 1);
      memcpy(message, web_app, size);
      if (at < size)
        message[at] ^= 0xff;
      uint8_t *exact = realloc(message, size ? size : 1);
      struct dns_query query;
      if (dns_parse_query(exact, size, &query) == 0)
        CHECK(strlen(query.name) <= DNS_NAME_MAX);
      free(exact);
    }
  }
}

static void a_dot_in_a_label_is_no_dot(void) {
  uint8_t message[sizeof web_app];
  struct dns_query query;
  memcpy(message, web_app, sizeof message);
  message[14] = '.';
  CHECK(dns_parse_query(message, sizeof message, &query) == 0);
  CHECK_EQUAL(query.name, "w?b.app");
}

static void writes_an_answer(void) {
  struct dns_query query;
  struct dns_writer writer;
  uint8_t answer[DNS_PLAIN_UDP];
  const uint8_t address[] = {10, 0, 0, 2};
  CHECK(dns_parse_query(web_app, sizeof web_app, &query) == 0);
  dns_begin(&writer, answer, sizeof answer, &query);
  dns_add_address(&writer, address, sizeof address);
  size_t size = dns_finish(&writer, &query, DNS_OK);
  CHECK(size == sizeof web_app + 16);
  CHECK(answer[2] == 0x85 && answer[3] == 0x80 && answer[7] == 1);
  CHECK(memcmp(answer + size - 4, address, 4) == 0);
  CHECK(dns_answers(&query, 0x1234, answer, size));
  CHECK(!dns_answers(&query, 0x1235, answer, size));
  answer[13] ^= 0x20; /* 0x20 bit: another case is the same name */
  CHECK(dns_answers(&query, 0x1234, answer, size));
  answer[13] = 'x';
  CHECK(!dns_answers(&query, 0x1234, answer, size));
}

static void an_answer_that_does_not_fit_says_so(void) {
  struct dns_query query;
  struct dns_writer writer;
  uint8_t answer[DNS_PLAIN_UDP];
  const uint8_t address[16] = {0xfd};
  CHECK(dns_parse_query(web_app, sizeof web_app, &query) == 0);
  dns_begin(&writer, answer, sizeof answer, &query);
  for (int i = 0; i < 100; i++)
    dns_add_address(&writer, address, sizeof address);
  CHECK(dns_finish(&writer, &query, DNS_OK) == sizeof web_app);
  CHECK((answer[2] & 2) && answer[7] == 0);
}

static void write_file(int directory, const char *name, const char *content) {
  int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  CHECK(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
  close(fd);
}

static void finds_names_of_the_container_s_networks(void) {
  char path[] = "/tmp/gantry-names-XXXXXX";
  CHECK(mkdtemp(path) != NULL);
  int directory = open(path, O_PATH | O_DIRECTORY);
  write_file(directory, "n1",
             "A web 10.0.0.2\nA web 10.0.0.3\nA db 10.0.0.4\nP 10.0.0.2 web.app_1\n");
  write_file(directory, "n2", "A web 10.1.0.9\nA other 10.1.0.8\nbroken\n");
  write_file(directory, "c1",
             "N n1 app_1\nS 10.0.0.0 24\nL n1 store db\nN n2 back\nU 127.0.0.1 h\nU nonsense c\n");
  struct names names;
  const struct names_entry *first;
  names_open(&names, directory, "c1");
  names_refresh(&names);
  CHECK(names.network_count == 2 && names.upstream_count == 1 && names.upstreams[0].on_host);
  CHECK(names_find(&names, "web", &first) == 2);
  CHECK(names_find(&names, "web.back", &first) == 1);
  CHECK_EQUAL(first->value, "10.1.0.9");
  CHECK(names_find(&names, "other", &first) == 1);
  CHECK(names_find(&names, "store", &first) == 1);
  CHECK_EQUAL(first->value, "10.0.0.4");
  CHECK(names_find(&names, "nobody", &first) == 0);
  CHECK_EQUAL(names_find_address(&names, "10.0.0.2"), "web.app_1");
  CHECK(names_find_address(&names, "10.0.0.9") == NULL);
  uint8_t inside[] = {10, 0, 0, 77}, outside[] = {10, 2, 0, 1};
  CHECK(names_is_ours(&names, AF_INET, inside) && !names_is_ours(&names, AF_INET, outside));
  CHECK(names_is_internal(&names, "x.app_1") && !names_is_internal(&names, "x.back"));
  /* Replaced as the engine does it. */
  write_file(directory, "n1.tmp", "A late 10.0.0.7\n");
  CHECK(renameat(directory, "n1.tmp", directory, "n1") == 0);
  names_refresh(&names);
  CHECK(names_find(&names, "late", &first) == 1 && names_find(&names, "db", &first) == 0);
  CHECK(unlinkat(directory, "n1", 0) == 0 && unlinkat(directory, "n2", 0) == 0);
  CHECK(unlinkat(directory, "c1", 0) == 0);
  names_refresh(&names);
  CHECK(names_find(&names, "late", &first) == 1);
  names_close(&names);
  close(directory);
  rmdir(path);
}

const struct test_case dns_tests[] = {
    {"a DNS question is read", reads_a_question},
    {"what a client with EDNS takes is capped", reads_how_much_a_client_takes},
    {"what is no DNS question is refused", refuses_what_is_no_question},
    {"no damaged DNS question is read past its end", survives_every_damaged_question},
    {"a dot inside a label does not make another name", a_dot_in_a_label_is_no_dot},
    {"a DNS answer is written and recognised", writes_an_answer},
    {"a DNS answer that does not fit says so", an_answer_that_does_not_fit_says_so},
    {"names are found on the container's networks as they change",
     finds_names_of_the_container_s_networks},
    {0},
};
