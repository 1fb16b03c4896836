/*
 * One table-driven decoder for the whole plan. A group is a sequence of fields `u16 tag, u32
 * length, value` (little-endian); in the table of a group the tag is the row number, from 1.
 * Scalars occur exactly once, lists up to their maximum. The format is written down at the head of
 * plan-encoding.ts.
 */
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

enum field_kind {
  FIELD_STRING,
  FIELD_U32,
  FIELD_U64,
  FIELD_BYTES,
  FIELD_GROUP,
  FIELD_STRINGS,
  FIELD_GROUPS
};

struct schema;

struct field {
  enum field_kind kind;
  size_t offset;               /* in the group's struct */
  size_t max;                  /* of a list's entries, of FIELD_BYTES' size */
  const struct schema *schema; /* of FIELD_GROUP and FIELD_GROUPS */
};

struct schema {
  const char *name;
  const struct field *fields;
  size_t count;
  size_t size; /* of the struct */
};

#define SCHEMA(NAME, TYPE, TABLE)                                                                  \
  static const struct schema NAME = {#NAME, TABLE, sizeof TABLE / sizeof *TABLE, sizeof(TYPE)}
#define STRING(TYPE, MEMBER)                                                                       \
  { FIELD_STRING, offsetof(TYPE, MEMBER), 0, NULL }
#define U32(TYPE, MEMBER)                                                                          \
  { FIELD_U32, offsetof(TYPE, MEMBER), 0, NULL }
#define U64(TYPE, MEMBER)                                                                          \
  { FIELD_U64, offsetof(TYPE, MEMBER), 0, NULL }
#define BYTES(TYPE, MEMBER, MAX)                                                                   \
  { FIELD_BYTES, offsetof(TYPE, MEMBER), MAX, NULL }
#define STRINGS(TYPE, MEMBER, MAX)                                                                 \
  { FIELD_STRINGS, offsetof(TYPE, MEMBER), MAX, NULL }
#define GROUP(TYPE, MEMBER, SCHEMA)                                                                \
  { FIELD_GROUP, offsetof(TYPE, MEMBER), 0, &SCHEMA }
#define GROUPS(TYPE, MEMBER, MAX, SCHEMA)                                                          \
  { FIELD_GROUPS, offsetof(TYPE, MEMBER), MAX, &SCHEMA }

static const struct field pair_fields[] = {
    STRING(struct plan_pair, name),
    STRING(struct plan_pair, value),
};
SCHEMA(pair, struct plan_pair, pair_fields);

static const struct field namespace_fields[] = {
    U32(struct plan_namespace, kind),
    U32(struct plan_namespace, pid),
    STRING(struct plan_namespace, path),
};
SCHEMA(namespace, struct plan_namespace, namespace_fields);

static const struct field namespaces_fields[] = {
    GROUP(struct plan_namespaces, pid, namespace),
    GROUP(struct plan_namespaces, network, namespace),
    GROUP(struct plan_namespaces, ipc, namespace),
    GROUP(struct plan_namespaces, uts, namespace),
    GROUP(struct plan_namespaces, cgroup, namespace),
};
SCHEMA(namespaces, struct plan_namespaces, namespaces_fields);

static const struct field write_fields[] = {
    STRING(struct plan_write, file),
    STRING(struct plan_write, value),
    U32(struct plan_write, optional),
};
SCHEMA(cgroup_write, struct plan_write, write_fields);

static const struct field cgroup_fields[] = {
    STRINGS(struct plan_cgroup, directories, 64),
    GROUPS(struct plan_cgroup, writes, 4096, cgroup_write),
    STRINGS(struct plan_cgroup, join, 64),
    STRING(struct plan_cgroup, kill_file),
    STRING(struct plan_cgroup, device_directory),
    BYTES(struct plan_cgroup, device_program, 1 << 18),
    STRING(struct plan_cgroup, oom_file),
};
SCHEMA(cgroup, struct plan_cgroup, cgroup_fields);

static const struct field user_fields[] = {
    STRING(struct plan_user, uid_map), STRING(struct plan_user, gid_map),
    U32(struct plan_user, root_uid),   U32(struct plan_user, root_gid),
    U32(struct plan_user, join_pid),
};
SCHEMA(user, struct plan_user, user_fields);

static const struct field rootfs_fields[] = {
    STRINGS(struct plan_rootfs, lower, 256), STRING(struct plan_rootfs, upper),
    STRING(struct plan_rootfs, work),        U32(struct plan_rootfs, is_volatile),
    U32(struct plan_rootfs, readonly),
};
SCHEMA(rootfs, struct plan_rootfs, rootfs_fields);

static const struct field hierarchy_fields[] = {
    STRING(struct plan_hierarchy, name),
    STRING(struct plan_hierarchy, options),
    STRING(struct plan_hierarchy, host_mount),
};
SCHEMA(hierarchy, struct plan_hierarchy, hierarchy_fields);

static const struct field mount_fields[] = {
    U32(struct plan_mount, kind),
    STRING(struct plan_mount, type),
    STRING(struct plan_mount, source),
    STRING(struct plan_mount, target),
    STRING(struct plan_mount, data),
    U32(struct plan_mount, attributes),
    U32(struct plan_mount, options),
    U32(struct plan_mount, propagation),
    GROUPS(struct plan_mount, hierarchies, 64, hierarchy),
    GROUPS(struct plan_mount, symlinks, 64, pair),
    STRINGS(struct plan_mount, layers, 256),
    STRING(struct plan_mount, subpath),
    U32(struct plan_mount, source_pid),
};
SCHEMA(mount, struct plan_mount, mount_fields);

static const struct field device_fields[] = {
    STRING(struct plan_device, path), U32(struct plan_device, type), U32(struct plan_device, major),
    U32(struct plan_device, minor),   U32(struct plan_device, mode), U32(struct plan_device, uid),
    U32(struct plan_device, gid),
};
SCHEMA(device, struct plan_device, device_fields);

static const struct field interface_fields[] = {
    STRING(struct plan_interface, kind),
    U32(struct plan_interface, mode),
    STRING(struct plan_interface, host_name),
    STRING(struct plan_interface, link),
    STRING(struct plan_interface, container_name),
    STRING(struct plan_interface, mac),
    U32(struct plan_interface, mtu),
    STRINGS(struct plan_interface, addresses, 16),
    STRING(struct plan_interface, gateway4),
    STRING(struct plan_interface, gateway6),
    GROUPS(struct plan_interface, sysctls, 64, pair),
};
SCHEMA(interface, struct plan_interface, interface_fields);

static const struct field route_fields[] = {
    STRING(struct plan_route, container_name),
    STRING(struct plan_route, gateway4),
    STRING(struct plan_route, gateway6),
};
SCHEMA(route, struct plan_route, route_fields);

static const struct field resolver_fields[] = {
    STRING(struct plan_resolver, directory),
    STRING(struct plan_resolver, id),
    U32(struct plan_resolver, port),
    BYTES(struct plan_resolver, rules, 1 << 15),
};
SCHEMA(resolver, struct plan_resolver, resolver_fields);

static const struct field rlimit_fields[] = {
    U32(struct plan_rlimit, resource),
    U64(struct plan_rlimit, soft),
    U64(struct plan_rlimit, hard),
};
SCHEMA(rlimit, struct plan_rlimit, rlimit_fields);

static const struct field capability_fields[] = {
    U64(struct plan_capabilities, bounding),
    U64(struct plan_capabilities, effective),
    U64(struct plan_capabilities, permitted),
    U64(struct plan_capabilities, ambient),
};
SCHEMA(capabilities, struct plan_capabilities, capability_fields);

static const struct field process_fields[] = {
    STRINGS(struct plan_process, argv, 65536),
    STRINGS(struct plan_process, env, 65536),
    STRING(struct plan_process, cwd),
    STRING(struct plan_process, user),
    STRINGS(struct plan_process, groups, 1024),
    GROUP(struct plan_process, capabilities, capabilities),
    U32(struct plan_process, no_new_privileges),
    BYTES(struct plan_process, seccomp, 1 << 15),
    GROUPS(struct plan_process, rlimits, 32, rlimit),
    U32(struct plan_process, adjust_oom),
    U32(struct plan_process, oom_score_adj),
    U32(struct plan_process, tty),
    U32(struct plan_process, rows),
    U32(struct plan_process, columns),
    U32(struct plan_process, open_stdin),
    U32(struct plan_process, stdin_once),
    STRING(struct plan_process, apparmor),
};
SCHEMA(process, struct plan_process, process_fields);

static const struct field log_fields[] = {
    STRING(struct plan_log, path),   U64(struct plan_log, max_bytes),
    U32(struct plan_log, max_files), STRING(struct plan_log, attributes),
    U32(struct plan_log, format),    U32(struct plan_log, compress),
    U32(struct plan_log, hold),
};
SCHEMA(container_log, struct plan_log, log_fields);

static const struct field external_fields[] = {
    STRINGS(struct plan_external, command, 32),
    STRINGS(struct plan_external, hidden, 16),
    STRING(struct plan_external, head),
    STRING(struct plan_external, tail),
};
SCHEMA(external, struct plan_external, external_fields);

static const struct field hook_fields[] = {
    U32(struct plan_hook, moment),         STRING(struct plan_hook, path),
    STRINGS(struct plan_hook, argv, 1024), STRINGS(struct plan_hook, env, 1024),
    U32(struct plan_hook, timeout_ms),     STRING(struct plan_hook, head),
    STRING(struct plan_hook, tail),
};
SCHEMA(hook, struct plan_hook, hook_fields);

static const struct field oci_fields[] = {
    U32(struct plan_oci, root_propagation),
    U32(struct plan_oci, options),
    U32(struct plan_oci, umask),
    U32(struct plan_oci, personality),
    U32(struct plan_oci, preserved_descriptors),
    GROUP(struct plan_oci, mount, namespace),
    GROUP(struct plan_oci, user, namespace),
    STRING(struct plan_oci, uid_map),
    STRING(struct plan_oci, gid_map),
    GROUP(struct plan_oci, time, namespace),
    STRING(struct plan_oci, time_offsets),
    GROUPS(struct plan_oci, hooks, 256, hook),
};
SCHEMA(oci, struct plan_oci, oci_fields);

static const struct field container_fields[] = {
    STRING(struct container_plan, id),
    STRING(struct container_plan, run_directory),
    STRING(struct container_plan, hostname),
    STRING(struct container_plan, domainname),
    GROUP(struct container_plan, namespaces, namespaces),
    GROUP(struct container_plan, cgroup, cgroup),
    GROUP(struct container_plan, rootfs, rootfs),
    GROUPS(struct container_plan, mounts, 4096, mount),
    GROUPS(struct container_plan, devices, 4096, device),
    STRINGS(struct container_plan, masked_paths, 4096),
    STRINGS(struct container_plan, readonly_paths, 4096),
    GROUPS(struct container_plan, sysctls, 1024, pair),
    GROUPS(struct container_plan, interfaces, 64, interface),
    GROUP(struct container_plan, resolver, resolver),
    U32(struct container_plan, init),
    GROUP(struct container_plan, process, process),
    GROUP(struct container_plan, log, container_log),
    GROUPS(struct container_plan, oci, 1, oci),
    GROUP(struct container_plan, external, external),
    GROUP(struct container_plan, user, user),
};
SCHEMA(container, struct container_plan, container_fields);

static const struct field exec_fields[] = {
    STRING(struct exec_plan, id),
    STRING(struct exec_plan, head),
    STRING(struct exec_plan, tail),
    GROUP(struct exec_plan, process, process),
};
SCHEMA(exec, struct exec_plan, exec_fields);

static const struct field network_fields[] = {
    GROUPS(struct network_plan, old_routes, 64, route),
    GROUPS(struct network_plan, removed, 64, pair),
    GROUPS(struct network_plan, added, 64, interface),
    GROUPS(struct network_plan, new_routes, 64, route),
    GROUP(struct network_plan, resolver, resolver),
};
SCHEMA(network, struct network_plan, network_fields);

enum {
  CONTAINER_MAGIC = 0x31504347, /* "GCP1" */
  EXEC_MAGIC = 0x31504547,      /* "GEP1" */
  NETWORK_MAGIC = 0x31504e47,   /* "GNP1" */
  FIELD_HEADER = 6,
  MAX_FIELDS = 32,
};

struct plan_block {
  struct plan_block *next;
  alignas(max_align_t) uint8_t data[];
};

struct cursor {
  const uint8_t *data;
  size_t size;
};

struct value {
  uint16_t tag;
  const uint8_t *data;
  uint32_t size;
};

/* What every list member looks like; plan_strings and the typed lists share this layout. */
struct list {
  void *items;
  size_t count;
};

static void *allocate(struct plan *plan, size_t size) {
  struct plan_block *block = calloc(1, sizeof *block + size);
  if (!block)
    return NULL;
  block->next = plan->blocks;
  plan->blocks = block;
  return block->data;
}

static uint32_t load_u32(const uint8_t *data) {
  return (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
         (uint32_t)data[3] << 24;
}

/* 1 with *value filled, 0 at the end of the group, -1 when the field does not fit into what is
 * left. */
static int next_value(struct cursor *cursor, struct value *value) {
  if (cursor->size == 0)
    return 0;
  if (cursor->size < FIELD_HEADER)
    return -1;
  value->tag = (uint16_t)(cursor->data[0] | cursor->data[1] << 8);
  value->size = load_u32(cursor->data + 2);
  if (value->size > cursor->size - FIELD_HEADER)
    return -1;
  value->data = cursor->data + FIELD_HEADER;
  cursor->data += FIELD_HEADER + value->size;
  cursor->size -= FIELD_HEADER + value->size;
  return 1;
}

static bool is_list(const struct field *field) {
  return field->kind == FIELD_STRINGS || field->kind == FIELD_GROUPS;
}

/* First pass: every tag known, every scalar there once, every list within its maximum. */
static int count_fields(struct cursor cursor, const struct schema *schema,
                        size_t counts[MAX_FIELDS], struct error *err) {
  struct value value;
  int more;
  while ((more = next_value(&cursor, &value)) > 0) {
    if (value.tag == 0 || value.tag > schema->count)
      return error_set(err, 0, "plan: %s: unknown tag %u", schema->name, value.tag);
    counts[value.tag - 1]++;
  }
  if (more < 0)
    return error_set(err, 0, "plan: %s: truncated", schema->name);
  for (size_t i = 0; i < schema->count; i++) {
    const struct field *field = &schema->fields[i];
    if (is_list(field) ? counts[i] > field->max : counts[i] != 1)
      return error_set(err, 0, "plan: %s: field %zu occurs %zu times", schema->name, i + 1,
                       counts[i]);
  }
  return 0;
}

static int decode_string(const struct value *value, const char **out, struct error *err) {
  if (value->size == 0 || memchr(value->data, '\0', value->size) != value->data + value->size - 1)
    return error_set(err, 0, "plan: a string does not end with its only NUL");
  *out = (const char *)value->data;
  return 0;
}

static int decode_group(struct cursor cursor, const struct schema *schema, void *out,
                        struct plan *plan, struct error *err);

static int decode_value(const struct value *value, const struct field *field, uint8_t *out,
                        struct plan *plan, struct error *err) {
  struct list *list = (struct list *)out;
  struct cursor inner = {value->data, value->size};
  switch (field->kind) {
  case FIELD_STRING:
    return decode_string(value, (const char **)out, err);
  case FIELD_STRINGS:
    return decode_string(value, (const char **)list->items + list->count++, err);
  case FIELD_U32:
    if (value->size != 4)
      return error_set(err, 0, "plan: a 32-bit number has %u bytes", value->size);
    *(uint32_t *)out = load_u32(value->data);
    return 0;
  case FIELD_U64:
    if (value->size != 8)
      return error_set(err, 0, "plan: a 64-bit number has %u bytes", value->size);
    *(uint64_t *)out = (uint64_t)load_u32(value->data + 4) << 32 | load_u32(value->data);
    return 0;
  case FIELD_BYTES:
    if (value->size > field->max)
      return error_set(err, 0, "plan: a block of %u bytes exceeds its limit", value->size);
    *(struct plan_bytes *)out = (struct plan_bytes){value->data, value->size};
    return 0;
  case FIELD_GROUP:
    return decode_group(inner, field->schema, out, plan, err);
  case FIELD_GROUPS:
    out = (uint8_t *)list->items + field->schema->size * list->count++;
    return decode_group(inner, field->schema, out, plan, err);
  }
  return error_set(err, 0, "plan: unknown kind of field");
}

/* The tables nest to a fixed depth, so the recursion is bounded whatever the input says. */
static int decode_group(struct cursor cursor, const struct schema *schema, void *out,
                        struct plan *plan, struct error *err) {
  size_t counts[MAX_FIELDS] = {0};
  if (count_fields(cursor, schema, counts, err) < 0)
    return -1;
  for (size_t i = 0; i < schema->count; i++) {
    const struct field *field = &schema->fields[i];
    if (!is_list(field))
      continue;
    struct list *list = (struct list *)((uint8_t *)out + field->offset);
    size_t size = field->kind == FIELD_STRINGS ? sizeof(char *) : field->schema->size;
    /* One more, zero: argv and env are handed to execve as they are. */
    list->items = allocate(plan, size * (counts[i] + 1));
    if (!list->items)
      return error_set(err, 0, "plan: out of memory");
  }
  struct value value;
  while (next_value(&cursor, &value) > 0) {
    const struct field *field = &schema->fields[value.tag - 1];
    if (decode_value(&value, field, (uint8_t *)out + field->offset, plan, err) < 0)
      return -1;
  }
  return 0;
}

static int parse(const uint8_t *data, size_t size, uint32_t magic, const struct schema *schema,
                 void *out, struct plan *plan, struct error *err) {
  *plan = (struct plan){0};
  if (size < 4 || size > PLAN_MAX_BYTES)
    return error_set(err, 0, "plan: %zu bytes", size);
  if (load_u32(data) != magic)
    return error_set(err, 0, "plan: made by another version of the engine");
  uint8_t *copy = allocate(plan, size);
  if (!copy)
    return error_set(err, 0, "plan: out of memory");
  memcpy(copy, data, size);
  if (decode_group((struct cursor){copy + 4, size - 4}, schema, out, plan, err) == 0)
    return 0;
  plan_free(plan);
  return -1;
}

int plan_parse(const uint8_t *data, size_t size, struct plan *plan, struct error *err) {
  if (parse(data, size, CONTAINER_MAGIC, &container, &plan->container, plan, err) < 0)
    return -1;
  if (plan->container.process.argv.count > 0 && plan->container.rootfs.lower.count > 0)
    return 0;
  plan_free(plan);
  return error_set(err, 0, "plan: no command or no layer");
}

int exec_plan_parse(const uint8_t *data, size_t size, struct plan *plan, struct error *err) {
  if (parse(data, size, EXEC_MAGIC, &exec, &plan->exec, plan, err) < 0)
    return -1;
  if (plan->exec.process.argv.count > 0)
    return 0;
  plan_free(plan);
  return error_set(err, 0, "plan: no command");
}

int network_plan_parse(const uint8_t *data, size_t size, struct plan *plan, struct error *err) {
  return parse(data, size, NETWORK_MAGIC, &network, &plan->network, plan, err);
}

void plan_free(struct plan *plan) {
  while (plan->blocks) {
    struct plan_block *block = plan->blocks;
    plan->blocks = block->next;
    free(block);
  }
  *plan = (struct plan){0};
}
