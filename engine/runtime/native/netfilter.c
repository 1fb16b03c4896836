/*
 * gantry-shim netfilter HEX: hands one nf_tables transaction, composed by the engine, to the
 * kernel. Its last request alone asks for an acknowledgement; a refused one is told in any case.
 */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "netfilter.h"
#include "netlink.h"

static int digit(char character) {
  if (character >= '0' && character <= '9')
    return character - '0';
  return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* In place: the text is twice as long. -1 when it is no hexadecimal. */
static ssize_t decode(char *text) {
  size_t size = strlen(text) / 2;
  if (strlen(text) % 2 != 0)
    return -1;
  for (size_t i = 0; i < size; i++) {
    int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return -1;
    text[i] = (char)(high << 4 | low);
  }
  return (ssize_t)size;
}

int netfilter_apply(const void *batch, size_t size, struct error *err) {
  unsigned failed = 0;
  if (netlink_send_bytes(NETLINK_NETFILTER, batch, size, 1, &failed, err) == 0)
    return 0;
  if (failed > 0)
    error_wrap(err, "nf_tables refused request %u", failed);
  return -1;
}

int netfilter_main(int argc, char **argv) {
  struct error err = {0};
  ssize_t size = argc == 2 ? decode(argv[1]) : -1;
  if (size < 0) {
    fprintf(stderr, "usage: gantry-shim netfilter HEX\n");
    return 2;
  }
  if (netfilter_apply(argv[1], (size_t)size, &err) == 0)
    return 0;
  fprintf(stderr, "%s %s\n", err.number ? error_name(err.number) : "-", err.message);
  return 1;
}
