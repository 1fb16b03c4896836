/* Netlink requests, collected and sent as one message: built without allocation, each acknowledged.
 */
#ifndef GANTRY_NETLINK_H
#define GANTRY_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct netlink_batch {
  size_t used;
  unsigned count;
  _Alignas(struct nlmsghdr) unsigned char data[16384];
};

/* Starts a request and returns its fixed header of `size` zero bytes; NULL when the batch is full,
 * which is told once, when it is sent. */
void *netlink_request(struct netlink_batch *batch, uint16_t type, uint16_t flags, size_t size);
void netlink_end(struct netlink_batch *batch, const void *body);

struct rtattr *netlink_attribute(struct netlink_batch *batch, uint16_t type, const void *data,
                                 size_t size);
void netlink_string(struct netlink_batch *batch, uint16_t type, const char *value);
void netlink_u32(struct netlink_batch *batch, uint16_t type, uint32_t value);
void netlink_end_nested(struct netlink_batch *batch, struct rtattr *nest);
/* Zero bytes inside an attribute, such as the header of a nested request. */
void *netlink_space(struct netlink_batch *batch, size_t size);

/* To rtnetlink. Stops at the first refused request, whose number (from 1) is then *failed. */
int netlink_send(struct netlink_batch *batch, unsigned *failed, struct error *err);

/* Bytes that somebody else composed, with `count` requests that ask for an acknowledgement, to
 * `family`. */
int netlink_send_bytes(int family, const void *data, size_t size, unsigned count, unsigned *failed,
                       struct error *err);

#endif
