/*
 * The plan as C sees it: what engine/runtime/plan.ts describes, decoded from the TLV of
 * plan-encoding.ts. Everything points into memory that the struct plan owns; strings end with NUL
 * and hold none inside.
 */
#ifndef GANTRY_PLAN_H
#define GANTRY_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { PLAN_MAX_BYTES = 1 << 20 };

enum namespace_kind { NAMESPACE_NEW = 1, NAMESPACE_HOST = 2, NAMESPACE_JOIN = 3 };
enum mount_kind { MOUNT_FILESYSTEM = 1, MOUNT_BIND = 2, MOUNT_CGROUP_V1 = 3, MOUNT_OVERLAY = 4 };
enum mount_option {
  MOUNT_COPY_UP = 1,
  MOUNT_RECURSIVE = 2,
  MOUNT_READONLY = 4,
  MOUNT_CREATE_FILE = 8,
  MOUNT_READONLY_RECURSIVE = 16,
  MOUNT_KEEP_MODE = 32,
  MOUNT_MAPPED = 64,
};

struct plan_bytes {
  const uint8_t *data;
  size_t size;
};

struct plan_strings {
  const char **items;
  size_t count;
};

struct plan_pair {
  const char *name, *value;
};

struct plan_pairs {
  struct plan_pair *items;
  size_t count;
};

struct plan_namespace {
  uint32_t kind;    /* enum namespace_kind */
  uint32_t pid;     /* whose namespace is joined */
  const char *path; /* or which, by its file; "": by pid */
};

struct plan_namespaces {
  struct plan_namespace pid, network, ipc, uts, cgroup;
};

struct plan_write {
  const char *file, *value;
  uint32_t optional;
};

struct plan_writes {
  struct plan_write *items;
  size_t count;
};

struct plan_cgroup {
  struct plan_strings directories;
  struct plan_writes writes;
  struct plan_strings join;
  const char *kill_file;
  const char *device_directory;
  struct plan_bytes device_program; /* struct bpf_insn[] */
  const char *oom_file;
};

/* A user namespace of the container's own; uid_map "": none. */
struct plan_user {
  const char *uid_map, *gid_map; /* as written to /proc/PID/uid_map and gid_map */
  uint32_t root_uid, root_gid;   /* what 0 is outside */
  uint32_t join_pid;             /* whose user namespace is joined instead of made; 0: nobody's */
};

struct plan_rootfs {
  struct plan_strings lower;
  const char *upper, *work;
  uint32_t is_volatile, readonly;
};

struct plan_hierarchy {
  const char *name, *options, *host_mount;
};

struct plan_hierarchies {
  struct plan_hierarchy *items;
  size_t count;
};

struct plan_mount {
  uint32_t kind;        /* enum mount_kind */
  const char *type;     /* filesystem type */
  const char *source;   /* bind: host path */
  const char *target;   /* container path */
  const char *data;     /* filesystem data */
  uint32_t attributes;  /* MOUNT_ATTR_* */
  uint32_t options;     /* enum mount_option */
  uint32_t propagation; /* MS_PRIVATE, MS_SLAVE or MS_SHARED, perhaps with MS_REC */
  struct plan_hierarchies hierarchies;
  struct plan_pairs symlinks; /* name -> target, below the cgroup mount */
  struct plan_strings layers; /* overlay: topmost first */
  const char *subpath;        /* of the source, relative; "": all of it */
  uint32_t source_pid;        /* in whose mount namespace the source is; 0: here */
};

struct plan_mounts {
  struct plan_mount *items;
  size_t count;
};

struct plan_device {
  const char *path;
  uint32_t type; /* S_IFCHR or S_IFBLK */
  uint32_t major, minor, mode, uid, gid;
};

struct plan_devices {
  struct plan_device *items;
  size_t count;
};

struct plan_interface {
  const char *kind;      /* veth, macvlan or ipvlan */
  uint32_t mode;         /* MACVLAN_MODE_*, IPVLAN_MODE_* */
  const char *host_name; /* of a veth's other end */
  const char *link;      /* the bridge of a veth, the parent of the others */
  const char *container_name, *mac;
  uint32_t mtu;
  struct plan_strings addresses;   /* CIDR */
  const char *gateway4, *gateway6; /* "": no default route; "dev": without a gateway */
  struct plan_pairs sysctls;       /* of this interface */
};

struct plan_interfaces {
  struct plan_interface *items;
  size_t count;
};

/* Default routes through one interface. */
struct plan_route {
  const char *container_name, *gateway4, *gateway6;
};

struct plan_routes {
  struct plan_route *items;
  size_t count;
};

/* The DNS server of the container; directory "": none. */
struct plan_resolver {
  const char *directory; /* of the name tables */
  const char *id;        /* of the container's own table */
  uint32_t port;
  struct plan_bytes rules; /* an nf_tables transaction that leads port 53 to it */
};

/* Of a running container, in this order. */
struct network_plan {
  struct plan_routes old_routes;
  struct plan_pairs removed; /* host name, or "" and the name inside */
  struct plan_interfaces added;
  struct plan_routes new_routes;
  struct plan_resolver resolver; /* to be there from now on */
};

struct plan_rlimit {
  uint32_t resource;
  uint64_t soft, hard;
};

struct plan_rlimits {
  struct plan_rlimit *items;
  size_t count;
};

struct plan_capabilities {
  uint64_t bounding, effective, permitted, ambient;
};

struct plan_process {
  struct plan_strings argv, env;
  const char *cwd, *user;
  struct plan_strings groups;
  struct plan_capabilities capabilities;
  uint32_t no_new_privileges;
  struct plan_bytes seccomp; /* struct sock_filter[] */
  struct plan_rlimits rlimits;
  uint32_t adjust_oom;
  int32_t oom_score_adj;
  uint32_t tty, rows, columns;
  uint32_t open_stdin, stdin_once;
  const char *apparmor; /* profile from execve on; "": as it is */
};

enum { LOG_JSON = 0, LOG_ENTRIES = 1 };

struct plan_log {
  const char *path; /* "": no log */
  uint64_t max_bytes;
  uint32_t max_files;
  const char *attributes;
  uint32_t format;   /* LOG_* */
  uint32_t compress; /* what was rotated */
  uint32_t hold;     /* no file goes before the engine has read it; output waits instead */
};

/* An OCI runtime that makes the container; no command: this binary does. */
struct plan_external {
  struct plan_strings command; /* path and global flags */
  struct plan_strings hidden;  /* mounts that it must not see */
  const char *head, *tail;     /* config.json around `process.user` */
};

enum hook_moment { HOOK_CREATE_RUNTIME = 1, HOOK_CREATE_CONTAINER = 2, HOOK_START_CONTAINER = 3 };

struct plan_hook {
  uint32_t moment; /* enum hook_moment */
  const char *path;
  struct plan_strings argv, env;
  uint32_t timeout_ms;     /* 0: none */
  const char *head, *tail; /* the state around `pid`, for its stdin */
};

struct plan_hooks {
  struct plan_hook *items;
  size_t count;
};

enum oci_option { OCI_NO_PIVOT = 1, OCI_NO_NEW_KEYRING = 2, OCI_SET_PERSONALITY = 4 };

/* What only containers of the OCI command line have; their root is the directory lower.items[0]. */
struct plan_oci {
  uint32_t root_propagation;
  uint32_t options; /* enum oci_option */
  uint32_t umask, personality, preserved_descriptors;
  struct plan_namespace mount, user;
  const char *uid_map, *gid_map;
  struct plan_namespace time;
  const char *time_offsets;
  struct plan_hooks hooks;
};

/* None or one. */
struct plan_oci_list {
  struct plan_oci *items;
  size_t count;
};

struct container_plan {
  const char *id, *run_directory, *hostname, *domainname;
  struct plan_namespaces namespaces;
  struct plan_cgroup cgroup;
  struct plan_rootfs rootfs;
  struct plan_mounts mounts;
  struct plan_devices devices;
  struct plan_strings masked_paths, readonly_paths;
  struct plan_pairs sysctls;
  struct plan_interfaces interfaces;
  struct plan_resolver resolver;
  uint32_t init;
  struct plan_process process;
  struct plan_log log;
  struct plan_external external;
  struct plan_oci_list oci;
  struct plan_user user;
};

/* NULL: a container of the engine. */
static inline const struct plan_oci *plan_oci(const struct container_plan *plan) {
  return plan->oci.count > 0 ? plan->oci.items : NULL;
}

struct exec_plan {
  const char *id;
  const char *head, *tail; /* for an external runtime: the process as JSON, around `user` */
  struct plan_process process;
};

struct plan_block;

struct plan {
  struct container_plan container; /* filled by plan_parse */
  struct exec_plan exec;           /* filled by exec_plan_parse */
  struct network_plan network;     /* filled by network_plan_parse */
  struct plan_block *blocks;       /* owned memory, newest first */
};

/* Decodes `size` bytes, which are copied; on failure nothing is left to free. */
int plan_parse(const uint8_t *data, size_t size, struct plan *plan, struct error *err);
int exec_plan_parse(const uint8_t *data, size_t size, struct plan *plan, struct error *err);
int network_plan_parse(const uint8_t *data, size_t size, struct plan *plan, struct error *err);
void plan_free(struct plan *plan);

#endif
