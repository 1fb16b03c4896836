/*
 * `visit-network PID [host]`: enters the network namespace of a process and does there what it is
 * asked, one request and one answer a line, until stdin ends. The engine decides what is asked and
 * what the answers mean.
 *
 *   ask ADDRESS PORT TIMEOUT_MS HEX           -> ok HEX            a datagram and the first answer
 *   route ADDRESS                             -> ok INTERFACE GATEWAY SOURCE, `-` for none
 *   connect tcp|udp ADDRESS PORT TIMEOUT_MS   -> ok                an empty datagram for udp
 *
 * Anything else: the name of an errno (ETIMEDOUT: nobody answered). The first line is `ready`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "commands.h"
#include "descriptor.h"

enum { LINE = 4096, DATAGRAM = 1500 };

struct target {
  socklen_t size;
  union {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
  };
};

static int enter(int pid, bool host, struct error *err) {
  char path[64];
  struct stat own, its;
  snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
  autoclose int namespace = open(path, O_RDONLY | O_CLOEXEC);
  if (namespace < 0 || fstat(namespace, &its) < 0 || stat("/proc/self/ns/net", &own) < 0)
    return error_set(err, errno, "open the network namespace of process %d", pid);
  /* SECURITY: the container may have ended and its pid be a host process by now: nobody is told
   * what only the host reaches. */
  if (!host && its.st_dev == own.st_dev && its.st_ino == own.st_ino)
    return error_set(err, ESRCH, "process %d is not in a container", pid);
  prctl(PR_SET_DUMPABLE, 0);
  if (setns(namespace, CLONE_NEWNET) < 0)
    return error_set(err, errno, "enter the network namespace of process %d", pid);
  return 0;
}

/* SECURITY: what answers is the container's or anybody's; nothing here needs a privilege any more.
 */
static int drop_capabilities(struct error *err) {
  struct {
    uint32_t version;
    int pid;
  } header = {0x20080522, 0};
  uint32_t none[6] = {0};
  if (syscall(SYS_capset, &header, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return error_set(err, errno, "drop capabilities");
  return 0;
}

static bool parse_target(const char *address, unsigned port, struct target *target) {
  *target = (struct target){0};
  if (port > 65535)
    return false;
  if (inet_pton(AF_INET, address, &target->ipv4.sin_addr) == 1) {
    target->ipv4.sin_family = AF_INET;
    target->ipv4.sin_port = htons((uint16_t)port);
    target->size = sizeof target->ipv4;
    return true;
  }
  target->ipv6.sin6_family = AF_INET6;
  target->ipv6.sin6_port = htons((uint16_t)port);
  target->size = sizeof target->ipv6;
  return inet_pton(AF_INET6, address, &target->ipv6.sin6_addr) == 1;
}

static int open_socket(const struct target *target, int type) {
  return socket(target->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0 when the socket is ready for `events` or has failed, -1 with ETIMEDOUT. */
static int await(int fd, short events, unsigned timeout_ms) {
  long end = now_ms() + timeout_ms;
  for (;;) {
    struct pollfd poller = {.fd = fd, .events = events};
    long left = end - now_ms();
    int count = poll(&poller, 1, left > 0 ? (int)left : 0);
    if (count > 0)
      return 0;
    if (count < 0 && errno == EINTR)
      continue;
    if (count == 0)
      errno = ETIMEDOUT;
    return -1;
  }
}

/* Sends a datagram and receives the first answer; its size, or -1. */
static ssize_t exchange(const struct target *target, unsigned timeout_ms, const uint8_t *question,
                        size_t size, uint8_t *answer) {
  autoclose int fd = open_socket(target, SOCK_DGRAM);
  if (fd < 0 || connect(fd, &target->any, target->size) < 0 ||
      send(fd, question, size, MSG_NOSIGNAL) < 0 || await(fd, POLLIN, timeout_ms) < 0)
    return -1;
  return recv(fd, answer, DATAGRAM, 0);
}

static int connect_stream(const struct target *target, unsigned timeout_ms) {
  autoclose int fd = open_socket(target, SOCK_STREAM);
  int failure = 0;
  socklen_t size = sizeof failure;
  if (fd < 0)
    return -1;
  if (connect(fd, &target->any, target->size) == 0)
    return 0;
  if (errno != EINPROGRESS || await(fd, POLLOUT, timeout_ms) < 0 ||
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
    return -1;
  errno = failure;
  return failure == 0 ? 0 : -1;
}

static void answer_error(void) {
  printf("%s\n", error_name(errno));
}

static void ask(const char *line) {
  char address[64], hex[LINE];
  unsigned port, timeout_ms;
  struct target target;
  uint8_t question[DATAGRAM], answer[DATAGRAM];
  size_t size = 0;
  errno = EINVAL;
  if (sscanf(line, "ask %63s %u %u %4095s", address, &port, &timeout_ms, hex) != 4 ||
      !parse_target(address, port, &target))
    return answer_error();
  for (; size < sizeof question && sscanf(hex + 2 * size, "%2hhx", &question[size]) == 1; size++)
    ;
  ssize_t count = exchange(&target, timeout_ms, question, size, answer);
  if (count < 0)
    return answer_error();
  printf("ok ");
  for (ssize_t i = 0; i < count; i++)
    printf("%02x", answer[i]);
  printf("\n");
}

static void connect_to(const char *line) {
  char protocol[4], address[64];
  unsigned port, timeout_ms;
  struct target target;
  uint8_t answer[DATAGRAM];
  errno = EINVAL;
  if (sscanf(line, "connect %3s %63s %u %u", protocol, address, &port, &timeout_ms) != 4 ||
      !parse_target(address, port, &target))
    return answer_error();
  bool reached = strcmp(protocol, "tcp") == 0
                     ? connect_stream(&target, timeout_ms) == 0
                     : exchange(&target, timeout_ms, answer, 0, answer) >= 0;
  if (!reached)
    return answer_error();
  printf("ok\n");
}

/* The kernel's answer to RTM_GETROUTE: a route, or an error as errno. */
static ssize_t query_route(const struct target *target, void *answer, size_t room) {
  struct {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr attribute;
    unsigned char address[16];
  } request = {.header = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1},
               .route.rtm_family = (unsigned char)target->any.sa_family,
               .attribute.rta_type = RTA_DST};
  bool ipv4 = target->any.sa_family == AF_INET;
  size_t size = ipv4 ? 4 : 16;
  const void *bytes = ipv4 ? (const void *)&target->ipv4.sin_addr : &target->ipv6.sin6_addr;
  memcpy(request.address, bytes, size);
  request.route.rtm_dst_len = (unsigned char)(size * 8);
  request.attribute.rta_len = (unsigned short)RTA_LENGTH(size);
  request.header.nlmsg_len =
      (uint32_t)(NLMSG_LENGTH(sizeof request.route) + request.attribute.rta_len);
  autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0 || send(fd, &request, request.header.nlmsg_len, 0) < 0)
    return -1;
  return recv(fd, answer, room, 0);
}

static void text_of(const struct rtattr *attribute, int family, char text[INET6_ADDRSTRLEN]) {
  if (RTA_PAYLOAD(attribute) >= (family == AF_INET ? 4 : 16))
    inet_ntop(family, RTA_DATA(attribute), text, INET6_ADDRSTRLEN);
}

static void answer_route(const struct nlmsghdr *header) {
  char link[IF_NAMESIZE] = "-", gateway[INET6_ADDRSTRLEN] = "-", source[INET6_ADDRSTRLEN] = "-";
  const struct rtmsg *route = NLMSG_DATA(header);
  unsigned index;
  int left = (int)RTM_PAYLOAD(header);
  for (struct rtattr *attribute = RTM_RTA(route); RTA_OK(attribute, left);
       attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == RTA_GATEWAY)
      text_of(attribute, route->rtm_family, gateway);
    if (attribute->rta_type == RTA_PREFSRC)
      text_of(attribute, route->rtm_family, source);
    if (attribute->rta_type == RTA_OIF && RTA_PAYLOAD(attribute) >= sizeof index) {
      memcpy(&index, RTA_DATA(attribute), sizeof index);
      if (!if_indextoname(index, link))
        strcpy(link, "-");
    }
  }
  printf("ok %s %s %s\n", link, gateway, source);
}

static void find_route(const char *line) {
  char address[64];
  struct target target;
  _Alignas(struct nlmsghdr) char answer[8192];
  errno = EINVAL;
  if (sscanf(line, "route %63s", address) != 1 || !parse_target(address, 0, &target))
    return answer_error();
  ssize_t size = query_route(&target, answer, sizeof answer);
  const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
  if (size < 0 || !NLMSG_OK(header, (unsigned)size))
    return answer_error();
  if (header->nlmsg_type == NLMSG_ERROR) {
    errno = -((const struct nlmsgerr *)NLMSG_DATA(header))->error;
    return answer_error();
  }
  answer_route(header);
}

static void serve(void) {
  static char line[LINE];
  printf("ready\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    if (strncmp(line, "ask ", 4) == 0)
      ask(line);
    else if (strncmp(line, "route ", 6) == 0)
      find_route(line);
    else if (strncmp(line, "connect ", 8) == 0)
      connect_to(line);
    else
      printf("EINVAL\n");
    fflush(stdout);
  }
}

int visit_network_main(int argc, char **argv) {
  bool host = argc == 3 && strcmp(argv[2], "host") == 0;
  int pid = argc >= 2 ? atoi(argv[1]) : 0;
  if (pid <= 0 || argc > 2 + host) {
    fprintf(stderr, "usage: gantry-shim visit-network PID [host]\n");
    return 2;
  }
  struct error err = {0};
  if (enter(pid, host, &err) < 0 || drop_capabilities(&err) < 0)
    return archive_fail(&err);
  serve();
  return 0;
}
