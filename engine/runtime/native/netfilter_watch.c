/*
 * gantry-shim watch-netfilter TABLE: ends with 0 when somebody else removed something of the table,
 * as `nft flush ruleset` does. gantry-shim forget-flows PORT...: what conntrack remembers of UDP to
 * these ports of the host would otherwise lead past new rules, or to who is gone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "commands.h"
#include "descriptor.h"
#include "netlink.h"

enum { MAX_PORTS = 1024 };

/* What names the sender of a transaction; ours are forked by the zygote. */
static const char OWN_PREFIX[] = "gantry-";

static const struct rtattr *find_attribute(const void *data, size_t size, unsigned type) {
  const struct rtattr *attribute = data;
  for (unsigned left = (unsigned)size; RTA_OK(attribute, left);
       attribute = RTA_NEXT(attribute, left)) {
    if ((attribute->rta_type & NLA_TYPE_MASK) == type)
      return attribute;
  }
  return NULL;
}

static const struct rtattr *find_in(const struct nlmsghdr *message, unsigned type) {
  if (message->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)))
    return NULL;
  const char *data = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nfgenmsg));
  return find_attribute(data, message->nlmsg_len - NLMSG_LENGTH(sizeof(struct nfgenmsg)), type);
}

static const struct rtattr *find_nested(const struct rtattr *outer, unsigned type) {
  return outer ? find_attribute(RTA_DATA(outer), RTA_PAYLOAD(outer), type) : NULL;
}

static bool is_text(const struct rtattr *attribute, const char *text) {
  return attribute && RTA_PAYLOAD(attribute) == strlen(text) + 1 &&
         memcmp(RTA_DATA(attribute), text, strlen(text) + 1) == 0;
}

/* The table's name is the first attribute of all these messages. */
static bool removes_from(const struct nlmsghdr *message, const char *table) {
  switch (NFNL_MSG_TYPE(message->nlmsg_type)) {
  case NFT_MSG_DELTABLE:
  case NFT_MSG_DELCHAIN:
  case NFT_MSG_DELRULE:
  case NFT_MSG_DELSET:
  case NFT_MSG_DELSETELEM:
    return is_text(find_in(message, NFTA_TABLE_NAME), table);
  }
  return false;
}

static bool is_own(const struct nlmsghdr *message) {
  const struct rtattr *name = find_in(message, NFTA_GEN_PROC_NAME);
  return name && RTA_PAYLOAD(name) > sizeof OWN_PREFIX &&
         memcmp(RTA_DATA(name), OWN_PREFIX, sizeof OWN_PREFIX - 1) == 0;
}

/* A transaction is told as its changes, then who made them. */
static int watch(const char *table, struct error *err) {
  _Alignas(struct nlmsghdr) static char data[1 << 16];
  autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  struct sockaddr_nl any = {.nl_family = AF_NETLINK};
  int group = NFNLGRP_NFTABLES;
  bool touched = false;
  /* Without an address of its own a socket is left out, as if it were the kernel's. */
  if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ||
      setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
    return error_set(err, errno, "watch nf_tables");
  for (;;) {
    ssize_t size = recv(fd, data, sizeof data, 0);
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0) /* ENOBUFS: much happened at once, perhaps to us */
      return errno == ENOBUFS ? 0 : error_set(err, errno, "watch nf_tables");
    struct nlmsghdr *message = (struct nlmsghdr *)data;
    for (unsigned left = (unsigned)size; NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
        continue;
      touched |= removes_from(message, table);
      if (NFNL_MSG_TYPE(message->nlmsg_type) != NFT_MSG_NEWGEN)
        continue;
      if (touched && !is_own(message))
        return 0;
      touched = false;
    }
  }
}

int watch_netfilter_main(int argc, char **argv) {
  struct error err = {0};
  if (argc != 2) {
    fprintf(stderr, "usage: gantry-shim watch-netfilter TABLE\n");
    return 2;
  }
  if (watch(argv[1], &err) == 0)
    return 0;
  fprintf(stderr, "%s %s\n", err.number ? error_name(err.number) : "-", err.message);
  return 1;
}

struct ports {
  uint16_t items[MAX_PORTS]; /* network byte order */
  size_t count;
};

static bool is_udp_to(const struct rtattr *tuple, const struct ports *ports) {
  const struct rtattr *protocol = find_nested(tuple, CTA_TUPLE_PROTO);
  const struct rtattr *number = find_nested(protocol, CTA_PROTO_NUM);
  const struct rtattr *port = find_nested(protocol, CTA_PROTO_DST_PORT);
  uint16_t value;
  if (!number || !port || *(const uint8_t *)RTA_DATA(number) != IPPROTO_UDP ||
      RTA_PAYLOAD(port) != sizeof value)
    return false;
  memcpy(&value, RTA_DATA(port), sizeof value);
  for (size_t i = 0; i < ports->count; i++) {
    if (ports->items[i] == value)
      return true;
  }
  return false;
}

/* One that is gone meanwhile is what we want. */
static void forget(int family, const struct rtattr *tuple) {
  struct netlink_batch batch = {0};
  struct error ignored = {0};
  unsigned failed;
  struct nfgenmsg *header =
      netlink_request(&batch, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0, sizeof *header);
  if (header)
    header->nfgen_family = (uint8_t)family;
  netlink_attribute(&batch, tuple->rta_type, RTA_DATA(tuple), RTA_PAYLOAD(tuple));
  netlink_end(&batch, header);
  if (batch.used <= sizeof batch.data)
    netlink_send_bytes(NETLINK_NETFILTER, batch.data, batch.used, 1, &failed, &ignored);
}

static int forget_flows(int family, const struct ports *ports, struct error *err) {
  _Alignas(struct nlmsghdr) static char data[1 << 16];
  autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  struct {
    struct nlmsghdr header;
    struct nfgenmsg body;
  } request = {
      {sizeof request, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP,
       1, 0},
      {(uint8_t)family, NFNETLINK_V0, 0},
  };
  if (fd < 0 || send(fd, &request, sizeof request, 0) < 0)
    return error_set(err, errno, "list connections");
  for (;;) {
    ssize_t size = recv(fd, data, sizeof data, 0);
    if (size < 0)
      return error_set(err, errno, "list connections");
    struct nlmsghdr *message = (struct nlmsghdr *)data;
    for (unsigned left = (unsigned)size; NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
        return 0;
      const struct rtattr *tuple = find_in(message, CTA_TUPLE_ORIG);
      if (tuple && is_udp_to(tuple, ports))
        forget(family, tuple);
    }
  }
}

int forget_flows_main(int argc, char **argv) {
  static struct ports ports;
  struct error err = {0};
  for (int i = 1; i < argc && ports.count < MAX_PORTS; i++)
    ports.items[ports.count++] = htons((uint16_t)strtoul(argv[i], NULL, 10));
  if (forget_flows(AF_INET, &ports, &err) == 0 && forget_flows(AF_INET6, &ports, &err) == 0)
    return 0;
  fprintf(stderr, "%s %s\n", err.number ? error_name(err.number) : "-", err.message);
  return 1;
}
