#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "descriptor.h"
#include "netlink.h"

/* Overflow is detected once, when the batch is sent. */
void *netlink_space(struct netlink_batch *batch, size_t size) {
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

void *netlink_request(struct netlink_batch *batch, uint16_t type, uint16_t flags, size_t size) {
  struct nlmsghdr *header = netlink_space(batch, NLMSG_LENGTH(size));
  if (!header)
    return NULL;
  header->nlmsg_type = type;
  header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
  header->nlmsg_seq = ++batch->count;
  return NLMSG_DATA(header);
}

void netlink_end(struct netlink_batch *batch, const void *body) {
  if (!body || batch->used > sizeof batch->data)
    return;
  struct nlmsghdr *header = (struct nlmsghdr *)((char *)body - NLMSG_HDRLEN);
  header->nlmsg_len = (uint32_t)(batch->data + batch->used - (unsigned char *)header);
}

struct rtattr *netlink_attribute(struct netlink_batch *batch, uint16_t type, const void *data,
                                 size_t size) {
  struct rtattr *attribute = netlink_space(batch, RTA_LENGTH(size));
  if (!attribute)
    return NULL;
  attribute->rta_type = type;
  attribute->rta_len = (uint16_t)RTA_LENGTH(size);
  if (size > 0)
    memcpy(RTA_DATA(attribute), data, size);
  return attribute;
}

void netlink_string(struct netlink_batch *batch, uint16_t type, const char *value) {
  netlink_attribute(batch, type, value, strlen(value) + 1);
}

void netlink_u32(struct netlink_batch *batch, uint16_t type, uint32_t value) {
  netlink_attribute(batch, type, &value, sizeof value);
}

void netlink_end_nested(struct netlink_batch *batch, struct rtattr *nest) {
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
      if (count > 0)
        count--;
    }
  }
  return 0;
}

int netlink_send_bytes(int family, const void *data, size_t size, unsigned count, unsigned *failed,
                       struct error *err) {
  autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  int room = (int)(size > INT32_MAX / 4 ? INT32_MAX : size * 2 + 65536);
  /* A large batch needs more than the default; FORCE is ours where we are root on the host. */
  if (fd >= 0 && size > 65536 &&
      (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0 ||
       setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0))
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  if (fd < 0 || sendto(fd, data, size, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
    return error_set(err, errno, "netlink");
  return read_acknowledgements(fd, count, failed, err);
}

int netlink_send(struct netlink_batch *batch, unsigned *failed, struct error *err) {
  if (batch->used > sizeof batch->data)
    return error_set(err, E2BIG, "too many addresses");
  return netlink_send_bytes(NETLINK_ROUTE, batch->data, batch->used, batch->count, failed, err);
}
