/*
 * gantry-shim hold [SOCKET NEAR FAR]: keeps the namespaces of an ordinary user's engine while it is
 * stopped or started again. With arguments it also is their way out: ethernet frames between the
 * link FAR and the user-mode network stack (slirp4netns) that listens on SOCKET in the host's
 * network namespace. No TAP device: /dev/net/tun is closed to ordinary users on some hosts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "commands.h"
#include "descriptor.h"
#include "error.h"
#include "standard_streams.h"
#include "title.h"

enum { MAX_FRAME = 65536 };

/* The stack outside takes whole frames only: checksums and segments are computed before them. */
static int stop_offloads(const char *link, struct error *err) {
  static const uint32_t offloads[] = {ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO};
  autoclose int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (size_t i = 0; i < sizeof offloads / sizeof *offloads; i++) {
    struct ethtool_value off = {.cmd = offloads[i], .data = 0};
    struct ifreq request = {.ifr_data = (char *)&off};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", link);
    if (ioctl(control, SIOCETHTOOL, &request) < 0 && errno != EOPNOTSUPP)
      return error_set(err, errno, "switch off the offloads of %s", link);
  }
  return 0;
}

static int open_link(const char *link, struct error *err) {
  autoclose int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET,
      .sll_protocol = htons(ETH_P_ALL),
      .sll_ifindex = (int)if_nametoindex(link),
  };
  int on = 1;
  if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0 ||
      bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
    return error_set(err, errno, "packet socket on %s", link);
  return take_fd(&fd);
}

static int connect_stack(const char *path, struct error *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (strlen(path) >= sizeof address.sun_path)
    return error_set(err, ENAMETOOLONG, "%s", path);
  strcpy(address.sun_path, path);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    return error_set(err, errno, "connect to %s", path);
  return take_fd(&fd);
}

/* Moves what is there. A full queue loses frames, as a wire does. 0: the other end is gone. */
static int move_frames(int from, int to) {
  static char frame[MAX_FRAME];
  for (;;) {
    ssize_t size = recv(from, frame, sizeof frame, MSG_DONTWAIT);
    if (size == 0)
      return 0;
    if (size < 0)
      return errno == EAGAIN || errno == EINTR || errno == ENETDOWN;
    (void)!send(to, frame, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}

static void pump(int stack, int link) {
  struct pollfd ends[] = {{.fd = stack, .events = POLLIN}, {.fd = link, .events = POLLIN}};
  while (poll(ends, 2, -1) >= 0 || errno == EINTR) {
    if ((ends[0].revents && !move_frames(stack, link)) ||
        (ends[1].revents && !move_frames(link, stack)))
      return;
  }
}

/* Told by one line on stdout that the namespaces are ready, the launcher goes on. */
static int tell_ready(struct error *err) {
  if (write(STDOUT_FILENO, "ready\n", 6) != 6)
    return error_set(err, errno, "tell the launcher");
  return standard_streams_silence(err);
}

static int hold(int argc, char **argv, struct error *err) {
  autoclose int stack = -1;
  autoclose int link = -1;
  if (argc == 4) {
    if (stop_offloads(argv[2], err) < 0)
      return -1;
    link = open_link(argv[3], err);
    stack = link < 0 ? -1 : connect_stack(argv[1], err);
    if (stack < 0)
      return -1;
  }
  if (tell_ready(err) < 0)
    return -1;
  if (stack >= 0)
    pump(stack, link);
  /* Without a way out, or after it broke, the containers still have their network. */
  for (;;)
    pause();
}

int hold_main(int argc, char **argv) {
  struct error err = {0};
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  title_set("gantry-hold");
  hold(argc, argv, &err);
  fprintf(stderr, "gantry-shim hold: %s\n", err.message);
  return 1;
}
