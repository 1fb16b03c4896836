/*
 * Who is on the networks of one container. The engine writes the files, each whole and by rename; a
 * change is seen by the next query.
 *
 *     network file:    A name address | P address name          (names in lower case)
 *     container file:  N network-id network-name                (in order of preference)
 *                      L network-id alias name                  (a name for this container alone)
 *                      S subnet prefix-length                   (whose addresses are asked of
 * nobody else) U address c|h                            (upstream, from the container's or the
 * host's network)
 */
#ifndef GANTRY_DNS_NAMES_H
#define GANTRY_DNS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { NAMES_MAX_NETWORKS = 64, NAMES_MAX_UPSTREAMS = 8 };

struct names_entry {
  char kind;
  const char *key, *value;
};

/* A file in memory, its entries in order of key. */
struct names_file {
  char path[65];
  struct stat seen; /* of what is loaded */
  char *text;
  struct names_entry *entries;
  size_t count;
};

struct names_network {
  struct names_file file;
  const char *name; /* in the view's text */
};

struct names_upstream {
  int family;
  uint8_t address[16];
  bool on_host;
};

struct names {
  int directory;
  struct names_file view;
  struct names_network networks[NAMES_MAX_NETWORKS];
  size_t network_count;
  struct names_upstream upstreams[NAMES_MAX_UPSTREAMS];
  size_t upstream_count;
};

/* `id` names the container file in `directory`. */
void names_open(struct names *names, int directory, const char *id);
/* Loads what changed since the last call. */
void names_refresh(struct names *names);

void names_close(struct names *names);

/* The entries of kind 'A' that a name has on the first network that knows it; 0: nobody does. */
size_t names_find(const struct names *names, const char *name, const struct names_entry **first);
/* The name of an address in text form, or NULL. */
const char *names_find_address(const struct names *names, const char *address);
/* In a subnet of the container's networks. */
bool names_is_ours(const struct names *names, int family, const uint8_t *address);
/* `web.project_default`: below a network's name that cannot be a domain of the world. */
bool names_is_internal(const struct names *names, const char *name);

#endif
