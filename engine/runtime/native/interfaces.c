#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces.h"
#include "netlink.h"
#include "sysctls.h"

struct address {
  int family;
  unsigned prefix;
  size_t size;
  unsigned char bytes[16];
};

static bool parse_mac(const char *text, unsigned char mac[6]) {
  char end;
  return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0], &mac[1], &mac[2], &mac[3],
                &mac[4], &mac[5], &end) == 6;
}

static void name_namespace(struct netlink_batch *batch, pid_t pid) {
  /* By pid without a race: it is our child and not reaped. */
  netlink_u32(batch, IFLA_NET_NS_PID, (uint32_t)pid);
}

/* Both ends at once: one in its bridge and up, the other in the namespace. */
static void add_veth(struct netlink_batch *batch, const struct plan_interface *interface,
                     unsigned bridge, const unsigned char *mac, pid_t pid) {
  struct ifinfomsg *link =
      netlink_request(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *link);
  if (link) {
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
  }
  netlink_string(batch, IFLA_IFNAME, interface->host_name);
  if (interface->mtu)
    netlink_u32(batch, IFLA_MTU, interface->mtu);
  if (bridge)
    netlink_u32(batch, IFLA_MASTER, bridge);
  struct rtattr *info = netlink_attribute(batch, IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
  netlink_string(batch, IFLA_INFO_KIND, "veth");
  struct rtattr *data = netlink_attribute(batch, IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);
  struct rtattr *peer = netlink_attribute(batch, VETH_INFO_PEER | NLA_F_NESTED, NULL, 0);
  netlink_space(batch, sizeof(struct ifinfomsg));
  netlink_string(batch, IFLA_IFNAME, interface->container_name);
  if (mac)
    netlink_attribute(batch, IFLA_ADDRESS, mac, 6);
  if (interface->mtu)
    netlink_u32(batch, IFLA_MTU, interface->mtu);
  name_namespace(batch, pid);
  netlink_end_nested(batch, peer);
  netlink_end_nested(batch, data);
  netlink_end_nested(batch, info);
  netlink_end(batch, link);
}

/* A link on top of its parent (macvlan, ipvlan), born in the namespace. */
static void add_stacked(struct netlink_batch *batch, const struct plan_interface *interface,
                        unsigned parent, const unsigned char *mac, pid_t pid) {
  bool is_macvlan = strcmp(interface->kind, "macvlan") == 0;
  struct ifinfomsg *link =
      netlink_request(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *link);
  netlink_string(batch, IFLA_IFNAME, interface->container_name);
  netlink_u32(batch, IFLA_LINK, parent);
  if (interface->mtu)
    netlink_u32(batch, IFLA_MTU, interface->mtu);
  if (mac && is_macvlan)
    netlink_attribute(batch, IFLA_ADDRESS, mac, 6);
  name_namespace(batch, pid);
  struct rtattr *info = netlink_attribute(batch, IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
  netlink_string(batch, IFLA_INFO_KIND, interface->kind);
  struct rtattr *data = netlink_attribute(batch, IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);
  if (is_macvlan) {
    netlink_u32(batch, IFLA_MACVLAN_MODE, interface->mode);
  } else {
    uint16_t mode = (uint16_t)interface->mode;
    netlink_attribute(batch, IFLA_IPVLAN_MODE, &mode, sizeof mode);
  }
  netlink_end_nested(batch, data);
  netlink_end_nested(batch, info);
  netlink_end(batch, link);
}

static int add_link(struct netlink_batch *batch, const struct plan_interface *interface, pid_t pid,
                    struct error *err) {
  unsigned link = interface->link[0] ? if_nametoindex(interface->link) : 0;
  if (interface->link[0] && link == 0)
    return error_set(err, errno, "link %s", interface->link);
  unsigned char bytes[6];
  const unsigned char *mac = interface->mac[0] ? bytes : NULL;
  if (mac && !parse_mac(interface->mac, bytes))
    return error_set(err, EINVAL, "mac address %s", interface->mac);
  if (strcmp(interface->kind, "veth") == 0)
    add_veth(batch, interface, link, mac, pid);
  else
    add_stacked(batch, interface, link, mac, pid);
  return 0;
}

int interfaces_create(const struct plan_interfaces *interfaces, pid_t pid, struct error *err) {
  for (size_t i = 0; i < interfaces->count; i++) {
    struct netlink_batch batch = {0};
    unsigned failed;
    const struct plan_interface *interface = &interfaces->items[i];
    if (add_link(&batch, interface, pid, err) < 0 || netlink_send(&batch, &failed, err) < 0) {
      if (err->number == EOPNOTSUPP)
        error_wrap(err, "the kernel has no %s", interface->kind);
      error_wrap(err, "interface %s",
                 interface->host_name[0] ? interface->host_name : interface->container_name);
      return error_stage(err, "network");
    }
  }
  return 0;
}

int interfaces_delete(const char *name, struct error *err) {
  struct netlink_batch batch = {0};
  unsigned failed;
  struct ifinfomsg *link = netlink_request(&batch, RTM_DELLINK, 0, sizeof *link);
  netlink_string(&batch, IFLA_IFNAME, name);
  netlink_end(&batch, link);
  if (netlink_send(&batch, &failed, err) == 0 || err->number == ENODEV)
    return 0;
  return error_wrap(err, "remove interface %s", name);
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

static int add_address(struct netlink_batch *batch, unsigned index, const char *text,
                       struct error *err) {
  struct address address;
  if (parse_address(text, &address, err) < 0)
    return -1;
  struct ifaddrmsg *message =
      netlink_request(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *message);
  if (message) {
    message->ifa_family = (uint8_t)address.family;
    message->ifa_prefixlen = (uint8_t)address.prefix;
    message->ifa_index = index;
    /* The engine's IPAM hands each address out once: no second of waiting for duplicate detection.
     */
    message->ifa_flags = address.family == AF_INET6 ? IFA_F_NODAD : 0;
  }
  netlink_attribute(batch, IFA_LOCAL, address.bytes, address.size);
  netlink_attribute(batch, IFA_ADDRESS, address.bytes, address.size);
  if (address.family == AF_INET && address.prefix < 31) {
    uint32_t host_bits = htonl(0xffffffffU >> address.prefix), broadcast;
    memcpy(&broadcast, address.bytes, sizeof broadcast);
    broadcast |= host_bits;
    netlink_attribute(batch, IFA_BROADCAST, &broadcast, sizeof broadcast);
  }
  netlink_end(batch, message);
  return 0;
}

static void add_link_up(struct netlink_batch *batch, unsigned index) {
  struct ifinfomsg *message = netlink_request(batch, RTM_NEWLINK, 0, sizeof *message);
  if (message) {
    message->ifi_index = (int)index;
    message->ifi_flags = IFF_UP;
    message->ifi_change = IFF_UP;
  }
  netlink_end(batch, message);
}

static int add_default_route(struct netlink_batch *batch, uint16_t type, int family,
                             const char *gateway, unsigned index, struct error *err) {
  struct address address = {.family = family};
  bool direct = strcmp(gateway, "dev") == 0;
  if (gateway[0] == '\0')
    return 0;
  if (!direct && parse_address(gateway, &address, err) < 0)
    return -1;
  uint16_t flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0;
  struct rtmsg *message = netlink_request(batch, type, flags, sizeof *message);
  if (message)
    *message = (struct rtmsg){
        .rtm_family = (uint8_t)address.family,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_BOOT,
        .rtm_scope = direct && family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNICAST,
    };
  if (!direct)
    netlink_attribute(batch, RTA_GATEWAY, address.bytes, address.size);
  netlink_u32(batch, RTA_OIF, index);
  netlink_end(batch, message);
  return 0;
}

static int add_default_routes(struct netlink_batch *batch, const struct plan_route *route,
                              uint16_t type, unsigned index, struct error *err) {
  if (add_default_route(batch, type, AF_INET, route->gateway4, index, err) < 0)
    return -1;
  return add_default_route(batch, type, AF_INET6, route->gateway6, index, err);
}

int interfaces_add_routes(const struct plan_routes *routes, struct error *err) {
  for (size_t i = 0; i < routes->count; i++) {
    struct netlink_batch batch = {0};
    unsigned failed, index = if_nametoindex(routes->items[i].container_name);
    if (index == 0)
      return error_set(err, errno, "interface %s", routes->items[i].container_name);
    if (add_default_routes(&batch, &routes->items[i], RTM_NEWROUTE, index, err) < 0 ||
        netlink_send(&batch, &failed, err) < 0)
      return error_wrap(err, "default route through %s", routes->items[i].container_name);
  }
  return 0;
}

void interfaces_drop_routes(const struct plan_routes *routes) {
  for (size_t i = 0; i < routes->count; i++) {
    const struct plan_route *route = &routes->items[i];
    const struct plan_route halves[] = {{route->container_name, route->gateway4, ""},
                                        {route->container_name, "", route->gateway6}};
    unsigned failed, index = if_nametoindex(route->container_name);
    for (size_t half = 0; index != 0 && half < 2; half++) {
      struct netlink_batch batch = {0};
      struct error ignored = {0};
      if (add_default_routes(&batch, &halves[half], RTM_DELROUTE, index, &ignored) == 0)
        netlink_send(&batch, &failed, &ignored);
    }
  }
}

static int add_configuration(struct netlink_batch *batch, const struct plan_interface *interface,
                             struct error *err) {
  unsigned index = if_nametoindex(interface->container_name);
  if (index == 0)
    return error_set(err, errno, "interface");
  for (size_t i = 0; i < interface->addresses.count; i++) {
    if (add_address(batch, index, interface->addresses.items[i], err) < 0)
      return -1;
  }
  add_link_up(batch, index);
  const struct plan_route route = {interface->container_name, interface->gateway4,
                                   interface->gateway6};
  return add_default_routes(batch, &route, RTM_NEWROUTE, index, err);
}

int interfaces_configure(const struct plan_interfaces *interfaces, struct error *err) {
  struct netlink_batch batch = {0};
  unsigned failed = 0;
  add_link_up(&batch, 1); /* lo is always the first link of a namespace */
  for (size_t i = 0; i < interfaces->count; i++) {
    if (add_configuration(&batch, &interfaces->items[i], err) < 0) {
      error_wrap(err, "%s", interfaces->items[i].container_name);
      return error_stage(err, "network");
    }
  }
  if (netlink_send(&batch, &failed, err) < 0) {
    error_wrap(err, "configure the network (request %u)", failed);
    return error_stage(err, "network");
  }
  for (size_t i = 0; i < interfaces->count; i++) {
    if (sysctls_write(&interfaces->items[i].sysctls, err) < 0)
      return error_stage(err, "sysctl");
  }
  return 0;
}
