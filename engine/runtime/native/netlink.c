#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptor.h"
#include "netlink.h"

/* Requests of one batch; sent with one call, each acknowledged. */
struct batch {
  size_t used;
  unsigned count;
  _Alignas(struct nlmsghdr) unsigned char data[16384];
};

struct address {
  int family;
  unsigned prefix;
  size_t size;
  unsigned char bytes[16];
};

/* Overflow is detected once, when the batch is sent. */
static void *append(struct batch *batch, size_t size) {
  size_t aligned = NLMSG_ALIGN(size);
  if (batch->used + aligned > sizeof batch->data) {
    batch->used = sizeof batch->data + 1;
    return NULL;
  }
  void *place = batch->data + batch->used;
  memset(place, 0, aligned);
  batch->used += aligned;
  return place;
}

/* Starts a request and returns its fixed header of `size` bytes. */
static void *add_request(struct batch *batch, uint16_t type, uint16_t flags, size_t size) {
  struct nlmsghdr *header = append(batch, NLMSG_LENGTH(size));
  if (!header)
    return NULL;
  header->nlmsg_type = type;
  header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
  header->nlmsg_seq = ++batch->count;
  return NLMSG_DATA(header);
}

static void end_request(struct batch *batch, const void *body) {
  if (!body || batch->used > sizeof batch->data)
    return;
  struct nlmsghdr *header = (struct nlmsghdr *)((char *)body - NLMSG_HDRLEN);
  header->nlmsg_len = (uint32_t)(batch->data + batch->used - (unsigned char *)header);
}

static struct rtattr *add_attribute(struct batch *batch, uint16_t type, const void *data,
                                    size_t size) {
  struct rtattr *attribute = append(batch, RTA_LENGTH(size));
  if (!attribute)
    return NULL;
  attribute->rta_type = type;
  attribute->rta_len = (uint16_t)RTA_LENGTH(size);
  if (size > 0)
    memcpy(RTA_DATA(attribute), data, size);
  return attribute;
}

static void add_string(struct batch *batch, uint16_t type, const char *value) {
  add_attribute(batch, type, value, strlen(value) + 1);
}

static void add_u32(struct batch *batch, uint16_t type, uint32_t value) {
  add_attribute(batch, type, &value, sizeof value);
}

static void end_nested(struct batch *batch, struct rtattr *nest) {
  if (nest && batch->used <= sizeof batch->data)
    nest->rta_len = (uint16_t)(batch->data + batch->used - (unsigned char *)nest);
}

/* Reads one acknowledgement per request; *failed is the number of the first refused one. */
static int read_acknowledgements(int fd, unsigned count, unsigned *failed, struct error *err) {
  _Alignas(struct nlmsghdr) char answer[8192];
  while (count > 0) {
    ssize_t size = recv(fd, answer, sizeof answer, 0);
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0)
      return error_set(err, errno, "netlink");
    struct nlmsghdr *header = (struct nlmsghdr *)answer;
    for (unsigned left = (unsigned)size; NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type != NLMSG_ERROR)
        continue;
      const struct nlmsgerr *result = NLMSG_DATA(header);
      if (result->error != 0) {
        *failed = header->nlmsg_seq;
        return error_set(err, -result->error, "netlink");
      }
      count--;
    }
  }
  return 0;
}

static int send_batch(struct batch *batch, unsigned *failed, struct error *err) {
  if (batch->used > sizeof batch->data)
    return error_set(err, E2BIG, "too many addresses");
  autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (fd < 0 ||
      sendto(fd, batch->data, batch->used, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
    return error_set(err, errno, "netlink");
  return read_acknowledgements(fd, batch->count, failed, err);
}

static bool parse_mac(const char *text, unsigned char mac[6]) {
  char end;
  return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0], &mac[1], &mac[2], &mac[3],
                &mac[4], &mac[5], &end) == 6;
}

static int add_veth(struct batch *batch, const struct plan_interface *interface, pid_t pid,
                    struct error *err) {
  unsigned bridge = interface->bridge[0] ? if_nametoindex(interface->bridge) : 0;
  if (interface->bridge[0] && bridge == 0)
    return error_set(err, errno, "bridge %s", interface->bridge);
  unsigned char mac[6];
  if (interface->mac[0] && !parse_mac(interface->mac, mac))
    return error_set(err, EINVAL, "mac address %s", interface->mac);
  struct ifinfomsg *link = add_request(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *link);
  if (link) {
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
  }
  add_string(batch, IFLA_IFNAME, interface->host_name);
  if (interface->mtu)
    add_u32(batch, IFLA_MTU, interface->mtu);
  if (bridge)
    add_u32(batch, IFLA_MASTER, bridge);
  struct rtattr *info = add_attribute(batch, IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
  add_string(batch, IFLA_INFO_KIND, "veth");
  struct rtattr *data = add_attribute(batch, IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);
  struct rtattr *peer = add_attribute(batch, VETH_INFO_PEER | NLA_F_NESTED, NULL, 0);
  append(batch, sizeof(struct ifinfomsg));
  add_string(batch, IFLA_IFNAME, interface->container_name);
  if (interface->mac[0])
    add_attribute(batch, IFLA_ADDRESS, mac, sizeof mac);
  if (interface->mtu)
    add_u32(batch, IFLA_MTU, interface->mtu);
  /* By pid without a race: it is our child and not reaped. */
  add_u32(batch, IFLA_NET_NS_PID, (uint32_t)pid);
  end_nested(batch, peer);
  end_nested(batch, data);
  end_nested(batch, info);
  end_request(batch, link);
  return 0;
}

int network_create_links(const struct plan_interfaces *interfaces, pid_t pid, struct error *err) {
  for (size_t i = 0; i < interfaces->count; i++) {
    struct batch batch = {0};
    unsigned failed;
    if (add_veth(&batch, &interfaces->items[i], pid, err) < 0 ||
        send_batch(&batch, &failed, err) < 0) {
      error_wrap(err, "interface %s", interfaces->items[i].host_name);
      return error_stage(err, "network");
    }
  }
  return 0;
}

static int parse_address(const char *text, struct address *address, struct error *err) {
  char host[INET6_ADDRSTRLEN];
  const char *slash = strchr(text, '/');
  size_t length = slash ? (size_t)(slash - text) : strlen(text);
  *address = (struct address){.family = memchr(text, ':', length) ? AF_INET6 : AF_INET};
  address->size = address->family == AF_INET6 ? 16 : 4;
  address->prefix = (unsigned)(address->size * 8);
  if (length < sizeof host) {
    memcpy(host, text, length);
    host[length] = '\0';
    char *end = "";
    if (slash)
      address->prefix = (unsigned)strtoul(slash + 1, &end, 10);
    if (*end == '\0' && address->prefix <= address->size * 8 &&
        inet_pton(address->family, host, address->bytes) == 1)
      return 0;
  }
  return error_set(err, EINVAL, "address %s", text);
}

static int add_address(struct batch *batch, unsigned index, const char *text, struct error *err) {
  struct address address;
  if (parse_address(text, &address, err) < 0)
    return -1;
  struct ifaddrmsg *message =
      add_request(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *message);
  if (message) {
    message->ifa_family = (uint8_t)address.family;
    message->ifa_prefixlen = (uint8_t)address.prefix;
    message->ifa_index = index;
    /* The engine's IPAM hands each address out once: no second of waiting for duplicate detection.
     */
    message->ifa_flags = address.family == AF_INET6 ? IFA_F_NODAD : 0;
  }
  add_attribute(batch, IFA_LOCAL, address.bytes, address.size);
  add_attribute(batch, IFA_ADDRESS, address.bytes, address.size);
  if (address.family == AF_INET && address.prefix < 31) {
    uint32_t host_bits = htonl(0xffffffffU >> address.prefix), broadcast;
    memcpy(&broadcast, address.bytes, sizeof broadcast);
    broadcast |= host_bits;
    add_attribute(batch, IFA_BROADCAST, &broadcast, sizeof broadcast);
  }
  end_request(batch, message);
  return 0;
}

static void add_link_up(struct batch *batch, unsigned index) {
  struct ifinfomsg *message = add_request(batch, RTM_NEWLINK, 0, sizeof *message);
  if (message) {
    message->ifi_index = (int)index;
    message->ifi_flags = IFF_UP;
    message->ifi_change = IFF_UP;
  }
  end_request(batch, message);
}

static int add_default_route(struct batch *batch, unsigned index, const char *gateway,
                             struct error *err) {
  struct address address;
  if (gateway[0] == '\0')
    return 0;
  if (parse_address(gateway, &address, err) < 0)
    return -1;
  struct rtmsg *message =
      add_request(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof *message);
  if (message)
    *message = (struct rtmsg){
        .rtm_family = (uint8_t)address.family,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_BOOT,
        .rtm_scope = RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNICAST,
    };
  add_attribute(batch, RTA_GATEWAY, address.bytes, address.size);
  add_u32(batch, RTA_OIF, index);
  end_request(batch, message);
  return 0;
}

static int add_configuration(struct batch *batch, const struct plan_interface *interface,
                             struct error *err) {
  unsigned index = if_nametoindex(interface->container_name);
  if (index == 0)
    return error_set(err, errno, "interface");
  for (size_t i = 0; i < interface->addresses.count; i++) {
    if (add_address(batch, index, interface->addresses.items[i], err) < 0)
      return -1;
  }
  add_link_up(batch, index);
  if (add_default_route(batch, index, interface->gateway4, err) < 0 ||
      add_default_route(batch, index, interface->gateway6, err) < 0)
    return -1;
  return 0;
}

int network_configure(const struct plan_interfaces *interfaces, struct error *err) {
  struct batch batch = {0};
  unsigned failed = 0;
  add_link_up(&batch, 1); /* lo is always the first link of a namespace */
  for (size_t i = 0; i < interfaces->count; i++) {
    if (add_configuration(&batch, &interfaces->items[i], err) < 0) {
      error_wrap(err, "%s", interfaces->items[i].container_name);
      return error_stage(err, "network");
    }
  }
  if (send_batch(&batch, &failed, err) < 0) {
    error_wrap(err, "configure the network (request %u)", failed);
    return error_stage(err, "network");
  }
  return 0;
}
