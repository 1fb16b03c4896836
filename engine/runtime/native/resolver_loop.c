/*
 * Questions of the container in, answers out: from the tables, or from an upstream server. All is
 * bounded: questions under way, connections, sizes, times. One datagram socket per forwarded
 * question, so that each has a port nobody can guess.
 */
#include "resolver_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "dns_message.h"
#include "dns_names.h"
#include "loop.h"

enum {
  MAX_EXCHANGES = 256,
  MAX_STREAMS = 32,
  MAX_QUERY = 1024,
  MAX_ATTEMPTS = 4,
  BURST = 64, /* datagrams read before others get their turn */
  TICK_MS = 100,
  ATTEMPT_MS = 1500,
  STREAM_IDLE_MS = 10000,
  AVOID_MS = 10000, /* a server that did not answer is asked last for so long */
  DNS_PORT = 53,
};

struct stream {
  struct source source;
  bool open;
  int64_t last_used;
  size_t used;
  uint8_t buffer[2 + MAX_QUERY];
};

/* Who asked: a datagram's sender, or a connection. */
struct asker {
  struct stream *stream; /* NULL: by datagram */
  bool by_stream;
  struct sockaddr_in from;
};

/* A question that an upstream server is asked. */
struct exchange {
  struct source source; /* fd -1: free */
  struct asker asker;
  struct dns_query query; /* points into `message` */
  uint8_t message[MAX_QUERY];
  size_t size;
  unsigned attempt, upstream;
  uint32_t tried;
  uint16_t id;
  int64_t deadline;
  int host_socket; /* index, -1: a socket of the container's namespace */
  enum dns_code refusal;
  bool busy, sent;
  uint8_t *reply; /* by stream only */
  size_t reply_used;
};

static struct {
  struct loop loop;
  struct source udp, tcp, timer;
  bool ticking;
  struct names names;
  int host[RESOLVER_HOST_SOCKETS];
  bool host_busy[RESOLVER_HOST_SOCKETS];
  int64_t avoid_until[NAMES_MAX_UPSTREAMS];
  struct exchange exchanges[MAX_EXCHANGES];
  struct stream streams[MAX_STREAMS];
  uint8_t scratch[2 + DNS_MESSAGE_MAX];
} resolver;

static void try_next(struct exchange *exchange);

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned random_below(unsigned limit) {
  static uint16_t pool[64];
  static size_t left;
  if (left == 0 && getrandom(pool, sizeof pool, 0) == sizeof pool)
    left = sizeof pool / sizeof *pool;
  return left > 0 ? pool[--left] % limit : 0;
}

/* Runs only while somebody waits. */
static void tick(bool on) {
  if (on == resolver.ticking)
    return;
  struct timespec period = {0, on ? TICK_MS * 1000000L : 0};
  struct itimerspec timer = {period, period};
  timerfd_settime(resolver.timer.fd, 0, &timer, NULL);
  resolver.ticking = on;
}

static void close_stream(struct stream *stream) {
  loop_forget(&resolver.loop, &stream->source);
  close(stream->source.fd);
  stream->open = false;
  for (size_t i = 0; i < MAX_EXCHANGES; i++) {
    if (resolver.exchanges[i].asker.stream == stream)
      resolver.exchanges[i].asker.stream = NULL;
  }
}

/* A client that does not take its answer at once is not worth a buffer. */
static void send_by_stream(struct stream *stream, const uint8_t *message, size_t size) {
  if (!stream || !stream->open)
    return;
  static uint8_t framed[2 + DNS_MESSAGE_MAX];
  framed[0] = (uint8_t)(size >> 8);
  framed[1] = (uint8_t)size;
  memcpy(framed + 2, message, size);
  ssize_t sent = send(stream->source.fd, framed, size + 2, MSG_NOSIGNAL);
  if (sent != (ssize_t)size + 2)
    close_stream(stream);
}

static void reply(const struct asker *asker, const uint8_t *message, size_t size) {
  if (asker->by_stream)
    send_by_stream(asker->stream, message, size);
  else
    sendto(resolver.udp.fd, message, size, MSG_NOSIGNAL, (const struct sockaddr *)&asker->from,
           sizeof asker->from);
}

static void begin_answer(struct dns_writer *writer, const struct asker *asker,
                         const struct dns_query *query) {
  static uint8_t answer[DNS_MESSAGE_MAX];
  dns_begin(writer, answer, asker->by_stream ? sizeof answer : query->limit, query);
}

static void reply_code(const struct asker *asker, const struct dns_query *query,
                       enum dns_code code) {
  struct dns_writer writer;
  begin_answer(&writer, asker, query);
  reply(asker, writer.data, dns_finish(&writer, query, code));
}

/* Round robin over the addresses of a name: each answer starts with another one. */
static void reply_addresses(const struct asker *asker, const struct dns_query *query,
                            const struct names_entry *entries, size_t count) {
  struct dns_writer writer;
  begin_answer(&writer, asker, query);
  size_t start = random_below((unsigned)count);
  for (size_t i = 0; i < count; i++) {
    const char *text = entries[(start + i) % count].value;
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    unsigned type = family == AF_INET ? DNS_A : DNS_AAAA;
    uint8_t address[16];
    if ((query->type == type || query->type == DNS_ANY) && inet_pton(family, text, address) == 1)
      dns_add_address(&writer, address, family == AF_INET ? 4 : 16);
  }
  reply(asker, writer.data, dns_finish(&writer, query, DNS_OK));
}

/* `4.3.2.1.in-addr.arpa` or 32 nibbles under `ip6.arpa`: the family, 0 for another name. */
static int parse_reverse(const char *name, uint8_t address[16]) {
  unsigned octets[4];
  int end = 0;
  if (sscanf(name, "%3u.%3u.%3u.%3u.in-addr.arpa%n", &octets[3], &octets[2], &octets[1], &octets[0],
             &end) == 4 &&
      end > 0 && name[end] == '\0') {
    for (size_t i = 0; i < 4; i++)
      address[i] = (uint8_t)octets[i];
    return octets[0] < 256 && octets[1] < 256 && octets[2] < 256 && octets[3] < 256 ? AF_INET : 0;
  }
  if (strlen(name) != 64 + 8 || strcmp(name + 64, "ip6.arpa") != 0)
    return 0;
  memset(address, 0, 16);
  for (size_t i = 0; i < 32; i++) {
    const char *digit = strchr("0123456789abcdef", name[2 * i]);
    if (!digit || *digit == '\0' || name[2 * i + 1] != '.')
      return 0;
    unsigned value = (unsigned)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
    address[15 - i / 2] |= (uint8_t)(value << (i % 2 * 4));
  }
  return AF_INET6;
}

static bool answer_reverse(const struct asker *asker, const struct dns_query *query) {
  uint8_t address[16];
  char text[INET6_ADDRSTRLEN];
  int family = parse_reverse(query->name, address);
  if (family == 0 || !inet_ntop(family, address, text, sizeof text))
    return false;
  const char *name = names_find_address(&resolver.names, text);
  if (!name && !names_is_ours(&resolver.names, family, address))
    return false;
  struct dns_writer writer;
  begin_answer(&writer, asker, query);
  if (name && (query->type == DNS_PTR || query->type == DNS_ANY))
    dns_add_name(&writer, name);
  reply(asker, writer.data, dns_finish(&writer, query, name ? DNS_OK : DNS_NO_NAME));
  return true;
}

/*
 * A name of ours has no records but its addresses: other types are told that there are none, not
 * that there is no such name. A single label that nobody has stays here, too, unless it is asked
 * about as a domain: the names of containers are nobody else's business.
 */
static bool answer_locally(const struct asker *asker, const struct dns_query *query) {
  enum { CLASS_IN = 1 };
  if (query->class != CLASS_IN)
    return false;
  const struct names_entry *entries;
  size_t count = names_find(&resolver.names, query->name, &entries);
  if (count > 0) {
    reply_addresses(asker, query, entries, count);
    return true;
  }
  if (answer_reverse(asker, query))
    return true;
  bool of_domain = query->type == DNS_NS || query->type == DNS_SOA || query->type == DNS_DS ||
                   query->type == DNS_DNSKEY;
  if ((query->labels != 1 || of_domain) && !names_is_internal(&resolver.names, query->name))
    return false;
  reply_code(asker, query, DNS_NO_NAME);
  return true;
}

/* A host's socket is as new after it: unconnected, without a port. */
static void release_socket(struct exchange *exchange) {
  loop_forget(&resolver.loop, &exchange->source);
  if (exchange->host_socket >= 0) {
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    connect(exchange->source.fd, &unspecified, sizeof unspecified);
    resolver.host_busy[exchange->host_socket] = false;
  } else if (exchange->source.fd >= 0) {
    close(exchange->source.fd);
  }
  exchange->source.fd = exchange->host_socket = -1;
  free(exchange->reply);
  exchange->reply = NULL;
  exchange->reply_used = 0;
  exchange->sent = false;
}

static void end_exchange(struct exchange *exchange) {
  release_socket(exchange);
  exchange->asker.stream = NULL;
  exchange->busy = false;
}

static void deliver(struct exchange *exchange, uint8_t *message, size_t size) {
  enum dns_code code = dns_code_of(message);
  if (code == DNS_SERVER_FAILURE || code == DNS_REFUSED || code == DNS_NOT_IMPLEMENTED) {
    exchange->refusal = code;
    release_socket(exchange);
    try_next(exchange);
    return;
  }
  message[0] = (uint8_t)(exchange->query.id >> 8);
  message[1] = (uint8_t)exchange->query.id;
  reply(&exchange->asker, message, size);
  end_exchange(exchange);
}

static void fail_over(struct exchange *exchange) {
  resolver.avoid_until[exchange->upstream] = now_ms() + AVOID_MS;
  release_socket(exchange);
  try_next(exchange);
}

/* Not the answer to this question: somebody guesses; the real one may still come. */
static void read_datagram(struct exchange *exchange) {
  ssize_t size = recv(exchange->source.fd, resolver.scratch, DNS_MESSAGE_MAX, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (size < 0)
    fail_over(exchange);
  else if (dns_answers(&exchange->query, exchange->id, resolver.scratch, (size_t)size))
    deliver(exchange, resolver.scratch, (size_t)size);
}

static size_t frame_query(const struct exchange *exchange, uint8_t *out) {
  out[0] = (uint8_t)(exchange->size >> 8);
  out[1] = (uint8_t)exchange->size;
  memcpy(out + 2, exchange->message, exchange->size);
  out[2] = (uint8_t)(exchange->id >> 8);
  out[3] = (uint8_t)exchange->id;
  return exchange->size + 2;
}

static void send_connected(struct exchange *exchange) {
  int cause = 0;
  socklen_t length = sizeof cause;
  getsockopt(exchange->source.fd, SOL_SOCKET, SO_ERROR, &cause, &length);
  size_t size = frame_query(exchange, resolver.scratch);
  if (cause != 0 ||
      send(exchange->source.fd, resolver.scratch, size, MSG_NOSIGNAL) != (ssize_t)size ||
      loop_watch(&resolver.loop, &exchange->source, EPOLLIN) < 0)
    fail_over(exchange);
  else
    exchange->sent = true;
}

static void read_connected(struct exchange *exchange) {
  if (!exchange->reply && !(exchange->reply = malloc(2 + DNS_MESSAGE_MAX))) {
    fail_over(exchange);
    return;
  }
  uint8_t *data = exchange->reply;
  size_t whole = exchange->reply_used < 2 ? 2 : 2 + (size_t)(data[0] << 8 | data[1]);
  ssize_t size =
      recv(exchange->source.fd, data + exchange->reply_used, whole - exchange->reply_used, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  exchange->reply_used += size > 0 ? (size_t)size : 0;
  if (size <= 0) {
    fail_over(exchange);
  } else if (exchange->reply_used == whole && whole > 2) {
    exchange->reply = NULL; /* deliver may release the exchange */
    if (dns_answers(&exchange->query, exchange->id, data + 2, whole - 2))
      deliver(exchange, data + 2, whole - 2);
    else
      fail_over(exchange);
    free(data);
  }
}

static void exchange_ready(struct source *source, uint32_t events) {
  struct exchange *exchange = (struct exchange *)source;
  (void)events;
  if (!exchange->asker.by_stream)
    read_datagram(exchange);
  else if (!exchange->sent)
    send_connected(exchange);
  else
    read_connected(exchange);
}

static int take_host_socket(struct exchange *exchange) {
  size_t first = exchange->asker.by_stream ? 0 : RESOLVER_HOST_STREAMS;
  size_t end = exchange->asker.by_stream ? RESOLVER_HOST_STREAMS : RESOLVER_HOST_SOCKETS;
  for (size_t i = first; i < end; i++) {
    if (resolver.host_busy[i] || resolver.host[i] < 0)
      continue;
    resolver.host_busy[i] = true;
    exchange->host_socket = (int)i;
    return resolver.host[i];
  }
  return -1;
}

static bool ask(struct exchange *exchange, const struct names_upstream *upstream) {
  int type = exchange->asker.by_stream ? SOCK_STREAM : SOCK_DGRAM;
  exchange->source.fd = upstream->on_host
                            ? take_host_socket(exchange)
                            : socket(upstream->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (exchange->source.fd < 0)
    return false;
  struct sockaddr_in6 address6 = {.sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT)};
  struct sockaddr_in address4 = {.sin_family = AF_INET, .sin_port = htons(DNS_PORT)};
  memcpy(&address6.sin6_addr, upstream->address, 16);
  memcpy(&address4.sin_addr, upstream->address, 4);
  bool is_v6 = upstream->family == AF_INET6;
  const struct sockaddr *address =
      is_v6 ? (const struct sockaddr *)&address6 : (const struct sockaddr *)&address4;
  exchange->id = (uint16_t)random_below(65536);
  if (connect(exchange->source.fd, address, is_v6 ? sizeof address6 : sizeof address4) < 0 &&
      errno != EINPROGRESS)
    return false;
  if (exchange->asker.by_stream)
    return loop_watch(&resolver.loop, &exchange->source, EPOLLOUT) == 0;
  size_t size = frame_query(exchange, resolver.scratch) - 2;
  return send(exchange->source.fd, resolver.scratch + 2, size, MSG_NOSIGNAL) == (ssize_t)size &&
         loop_watch(&resolver.loop, &exchange->source, EPOLLIN) == 0;
}

/* In the order of resolv.conf, those that lately did not answer last, each once before one is asked
 * again. */
static unsigned choose_upstream(uint32_t *tried) {
  unsigned count = (unsigned)resolver.names.upstream_count;
  int64_t now = now_ms();
  for (int pass = 0; pass < 2; pass++) {
    for (unsigned i = 0; i < count; i++) {
      bool avoided = resolver.avoid_until[i] > now;
      if (avoided == (pass == 1) && !(*tried & 1U << i)) {
        *tried |= 1U << i;
        return i;
      }
    }
  }
  *tried = 1;
  return 0;
}

static unsigned max_attempts(void) {
  size_t count = resolver.names.upstream_count;
  return count == 0 ? 0 : count == 1 ? 2 : count < MAX_ATTEMPTS ? (unsigned)count : MAX_ATTEMPTS;
}

static void try_next(struct exchange *exchange) {
  while (exchange->attempt < max_attempts()) {
    exchange->upstream = choose_upstream(&exchange->tried);
    exchange->attempt++;
    exchange->deadline = now_ms() + ATTEMPT_MS;
    if (ask(exchange, &resolver.names.upstreams[exchange->upstream]))
      return;
    resolver.avoid_until[exchange->upstream] = now_ms() + AVOID_MS;
    release_socket(exchange);
  }
  reply_code(&exchange->asker, &exchange->query, exchange->refusal);
  end_exchange(exchange);
}

static void forward(const struct asker *asker, const uint8_t *message, size_t size,
                    const struct dns_query *query) {
  struct exchange *exchange = NULL;
  for (size_t i = 0; i < MAX_EXCHANGES && !exchange; i++) {
    if (!resolver.exchanges[i].busy)
      exchange = &resolver.exchanges[i];
  }
  if (!exchange || resolver.names.upstream_count == 0) {
    reply_code(asker, query, DNS_SERVER_FAILURE);
    return;
  }
  exchange->source = (struct source){.fd = -1, .ready = exchange_ready};
  exchange->host_socket = -1;
  exchange->asker = *asker;
  exchange->size = size;
  memcpy(exchange->message, message, size);
  dns_parse_query(exchange->message, size, &exchange->query);
  exchange->attempt = 0;
  exchange->tried = 0;
  exchange->refusal = DNS_SERVER_FAILURE;
  exchange->busy = true;
  tick(true);
  try_next(exchange);
}

static void handle_query(const struct asker *asker, const uint8_t *message, size_t size) {
  struct dns_query query;
  int code = dns_parse_query(message, size, &query);
  if (code < 0)
    return;
  if (code > 0) {
    reply_code(asker, &query, (enum dns_code)code);
    return;
  }
  names_refresh(&resolver.names);
  if (!answer_locally(asker, &query))
    forward(asker, message, size, &query);
}

static void read_datagrams(struct source *source, uint32_t events) {
  (void)events;
  for (int i = 0; i < BURST; i++) {
    struct asker asker = {0};
    socklen_t length = sizeof asker.from;
    uint8_t message[MAX_QUERY];
    ssize_t size = recvfrom(source->fd, message, sizeof message, MSG_TRUNC,
                            (struct sockaddr *)&asker.from, &length);
    if (size < 0)
      return;
    if ((size_t)size <= sizeof message)
      handle_query(&asker, message, (size_t)size);
  }
}

static void read_stream(struct source *source, uint32_t events) {
  struct stream *stream = (struct stream *)source;
  (void)events;
  ssize_t size =
      recv(source->fd, stream->buffer + stream->used, sizeof stream->buffer - stream->used, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (size <= 0) {
    close_stream(stream);
    return;
  }
  stream->used += (size_t)size;
  stream->last_used = now_ms();
  while (stream->open && stream->used >= 2) {
    size_t wanted = (size_t)(stream->buffer[0] << 8 | stream->buffer[1]);
    if (wanted > MAX_QUERY) {
      close_stream(stream);
      return;
    }
    if (stream->used < 2 + wanted)
      return;
    struct asker asker = {.stream = stream, .by_stream = true};
    handle_query(&asker, stream->buffer + 2, wanted);
    stream->used -= 2 + wanted;
    memmove(stream->buffer, stream->buffer + 2 + wanted, stream->used);
  }
}

/* The one that was quiet longest makes room. */
static struct stream *free_stream(void) {
  struct stream *oldest = &resolver.streams[0];
  for (size_t i = 0; i < MAX_STREAMS; i++) {
    struct stream *stream = &resolver.streams[i];
    if (!stream->open)
      return stream;
    if (stream->last_used < oldest->last_used)
      oldest = stream;
  }
  close_stream(oldest);
  return oldest;
}

static void accept_stream(struct source *source, uint32_t events) {
  (void)events;
  int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0)
    return;
  int room = 2 * (2 + DNS_MESSAGE_MAX);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  struct stream *stream = free_stream();
  stream->source = (struct source){.fd = fd, .ready = read_stream};
  stream->open = true;
  stream->used = 0;
  stream->last_used = now_ms();
  tick(true);
  if (loop_watch(&resolver.loop, &stream->source, EPOLLIN) < 0)
    close_stream(stream);
}

static void check_deadlines(struct source *source, uint32_t events) {
  (void)events;
  uint64_t expirations;
  (void)!read(source->fd, &expirations, sizeof expirations);
  int64_t now = now_ms();
  bool waiting = false;
  for (size_t i = 0; i < MAX_EXCHANGES; i++) {
    struct exchange *exchange = &resolver.exchanges[i];
    if (exchange->busy && exchange->deadline <= now)
      fail_over(exchange);
    waiting |= exchange->busy;
  }
  for (size_t i = 0; i < MAX_STREAMS; i++) {
    struct stream *stream = &resolver.streams[i];
    if (stream->open && stream->last_used + STREAM_IDLE_MS <= now)
      close_stream(stream);
    waiting |= stream->open;
  }
  tick(waiting);
}

int resolver_prepare(const struct resolver_sockets *sockets, const char *id, struct error *err) {
  names_open(&resolver.names, AT_FDCWD, id);
  memcpy(resolver.host, sockets->host, sizeof resolver.host);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  resolver.udp = (struct source){.fd = sockets->udp, .ready = read_datagrams};
  resolver.tcp = (struct source){.fd = sockets->tcp, .ready = accept_stream};
  resolver.timer = (struct source){.fd = timer, .ready = check_deadlines};
  if (timer < 0 || loop_open(&resolver.loop, err) < 0 ||
      loop_watch(&resolver.loop, &resolver.udp, EPOLLIN) < 0 ||
      loop_watch(&resolver.loop, &resolver.tcp, EPOLLIN) < 0 ||
      loop_watch(&resolver.loop, &resolver.timer, EPOLLIN) < 0)
    return error_set(err, errno, "event loop of the dns server");
  return 0;
}

static void settle(void *context) {
  (void)context;
}

void resolver_run(void) {
  struct error err = {0};
  loop_run(&resolver.loop, settle, NULL, &err);
}
