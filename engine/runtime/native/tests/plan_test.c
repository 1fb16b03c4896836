#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "plan.h"
#include "test.h"

struct sample {
  uint8_t *data;
  size_t size;
};

/* Written by plan-encoding.test.ts. */
static struct sample read_sample(const char *path) {
  struct sample sample = {malloc(PLAN_MAX_BYTES), 0};
  FILE *file = fopen(path, "re");
  unsigned byte;
  while (file && sample.size < PLAN_MAX_BYTES && fscanf(file, "%2x", &byte) == 1)
    sample.data[sample.size++] = (uint8_t)byte;
  if (file)
    fclose(file);
  CHECK(sample.size > 100);
  return sample;
}

static void check_process(const struct plan_process *process) {
  CHECK(process->argv.count == 3 && process->argv.items[3] == NULL);
  CHECK_EQUAL(process->argv.items[1], "-c");
  CHECK_EQUAL(process->env.items[1], "NAME=v\xc3\xa4lue");
  CHECK_EQUAL(process->cwd, "/work dir");
  CHECK_EQUAL(process->user, "alice:staff");
  CHECK_EQUAL(process->groups.items[0], "audio");
  CHECK(process->capabilities.bounding == 0xa80425fb);
  CHECK(process->capabilities.effective == 0x100000001);
  CHECK(process->capabilities.permitted == 3 && process->capabilities.ambient == 4);
  CHECK(process->no_new_privileges == 1);
  CHECK(process->seccomp.size == 8 && process->seccomp.data[6] == 0xff);
  CHECK(process->rlimits.count == 1 && process->rlimits.items[0].resource == 7);
  CHECK(process->rlimits.items[0].soft == 1024 && process->rlimits.items[0].hard == UINT64_MAX);
  CHECK(process->rows == 24 && process->columns == 80);
  CHECK(process->open_stdin == 1 && process->stdin_once == 0);
}

static void check_mounts(const struct plan_mounts *mounts) {
  CHECK(mounts->count == 3);
  const struct plan_mount *tmpfs = &mounts->items[0], *bind = &mounts->items[1],
                          *cgroup = &mounts->items[2];
  CHECK(tmpfs->kind == MOUNT_FILESYSTEM && tmpfs->options == MOUNT_COPY_UP);
  CHECK_EQUAL(tmpfs->type, "tmpfs");
  CHECK_EQUAL(tmpfs->data, "size=1m");
  CHECK(tmpfs->attributes == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME));
  CHECK(bind->kind == MOUNT_BIND && bind->attributes == MOUNT_ATTR_NOEXEC);
  CHECK(bind->options == (MOUNT_RECURSIVE | MOUNT_READONLY | MOUNT_CREATE_FILE));
  CHECK(bind->propagation == (MS_SLAVE | MS_REC));
  CHECK_EQUAL(bind->source, "/src");
  CHECK_EQUAL(bind->target, "/dst");
  CHECK(cgroup->kind == MOUNT_CGROUP_V1 && cgroup->options == MOUNT_READONLY);
  CHECK_EQUAL(cgroup->hierarchies.items[0].host_mount, "/sys/fs/cgroup/cpu");
  CHECK_EQUAL(cgroup->symlinks.items[0].value, "cpu,cpuacct");
}

static void decodes_what_typescript_encodes(void) {
  struct sample sample = read_sample("tests/sample-plan.hex");
  struct plan plan;
  struct error err = {0};
  CHECK(plan_parse(sample.data, sample.size, &plan, &err) == 0);
  free(sample.data); /* the plan has its own copy */
  const struct container_plan *container = &plan.container;
  CHECK_EQUAL(err.message, "");
  CHECK_EQUAL(container->id, "c0ffee");
  CHECK_EQUAL(container->domainname, "domain");
  CHECK(container->namespaces.pid.kind == NAMESPACE_NEW);
  CHECK(container->namespaces.network.kind == NAMESPACE_JOIN &&
        container->namespaces.network.pid == 4711);
  CHECK(container->namespaces.ipc.kind == NAMESPACE_HOST &&
        container->namespaces.uts.kind == NAMESPACE_NEW);
  CHECK_EQUAL(container->cgroup.directories.items[1], "/sys/fs/cgroup/a/b");
  CHECK(container->cgroup.writes.items[0].optional == 0 &&
        container->cgroup.writes.items[1].optional == 1);
  CHECK_EQUAL(container->cgroup.kill_file, "/sys/fs/cgroup/a/b/cgroup.kill");
  CHECK(container->cgroup.device_program.size == 8 &&
        container->cgroup.device_program.data[7] == 8);
  CHECK_EQUAL(container->cgroup.oom_file, "/sys/fs/cgroup/a/b/memory.events");
  CHECK(container->rootfs.lower.count == 3 && container->rootfs.is_volatile &&
        !container->rootfs.readonly);
  CHECK_EQUAL(container->rootfs.work, "/work");
  check_mounts(&container->mounts);
  CHECK(container->devices.items[0].type == S_IFCHR && container->devices.items[0].mode == 0666);
  CHECK(container->devices.items[0].uid == 5 && container->devices.items[0].gid == 6);
  CHECK(container->masked_paths.count == 2 && container->readonly_paths.count == 1);
  CHECK_EQUAL(container->sysctls.items[0].value, "1");
  CHECK(container->interfaces.items[0].mtu == 1500 &&
        container->interfaces.items[0].addresses.count == 2);
  CHECK_EQUAL(container->interfaces.items[0].gateway6, "fd00::1");
  CHECK_EQUAL(container->resolver.directory, "/run/dns");
  CHECK(container->resolver.port == 65453 && container->resolver.rules.size == 3);
  CHECK(container->init == 1);
  check_process(&container->process);
  CHECK(container->process.adjust_oom == 1 && container->process.oom_score_adj == -5);
  CHECK(container->process.tty == 1);
  CHECK(container->log.max_bytes == 10000000000 && container->log.max_files == 3);
  CHECK_EQUAL(container->log.attributes, "{\"a\":\"b\"}");
  CHECK(container->log.format == LOG_ENTRIES && container->log.compress && container->log.hold);
  CHECK(container->external.command.count == 3 && container->external.hidden.count == 1);
  CHECK_EQUAL(container->external.command.items[2], "/state");
  CHECK_EQUAL(container->external.tail, "}");
  const struct plan_oci *oci = plan_oci(container);
  CHECK(oci && oci->options == (OCI_NO_PIVOT | OCI_SET_PERSONALITY) && oci->umask == 027);
  CHECK(oci->user.kind == NAMESPACE_HOST && oci->time.kind == NAMESPACE_JOIN);
  CHECK_EQUAL(oci->time.path, "/proc/7/ns/time");
  CHECK_EQUAL(oci->gid_map, "0 1001 1");
  CHECK(oci->hooks.items[0].moment == HOOK_CREATE_CONTAINER &&
        oci->hooks.items[0].timeout_ms == 3000);
  CHECK_EQUAL(oci->hooks.items[0].argv.items[1], "a");
  CHECK_EQUAL(oci->hooks.items[0].tail, ",\"id\":\"x\"}");
  plan_free(&plan);
}

static void decodes_an_exec(void) {
  struct sample sample = read_sample("tests/sample-exec.hex");
  struct plan plan;
  struct error err = {0};
  CHECK(exec_plan_parse(sample.data, sample.size, &plan, &err) == 0);
  CHECK_EQUAL(plan.exec.id, "e4ec");
  check_process(&plan.exec.process);
  CHECK(plan.exec.process.adjust_oom == 0 && plan.exec.process.tty == 0);
  CHECK_EQUAL(plan.exec.head, "{\"args\":[],\"user\":");
  CHECK_EQUAL(plan.exec.tail, ",\"cwd\":\"/\"}");
  plan_free(&plan);
  CHECK(plan_parse(sample.data, sample.size, &plan, &err) < 0);
  free(sample.data);
}

static void decodes_a_network_change(void) {
  struct sample sample = read_sample("tests/sample-network.hex");
  struct plan plan;
  struct error err = {0};
  CHECK(network_plan_parse(sample.data, sample.size, &plan, &err) == 0);
  const struct network_plan *network = &plan.network;
  CHECK_EQUAL(network->old_routes.items[0].gateway4, "172.17.0.1");
  CHECK(network->removed.count == 2);
  CHECK_EQUAL(network->removed.items[0].name, "veth1");
  CHECK_EQUAL(network->removed.items[1].value, "eth1");
  CHECK_EQUAL(network->added.items[0].kind, "veth");
  CHECK_EQUAL(network->new_routes.items[0].gateway4, "dev");
  CHECK_EQUAL(network->resolver.directory, "");
  plan_free(&plan);
  free(sample.data);
}

/* Each prefix in memory of exactly its size, so that the sanitizer sees one byte read too many. */
static void refuses_every_truncation(void) {
  struct sample sample = read_sample("tests/sample-plan.hex");
  for (size_t size = 0; size < sample.size; size++) {
    uint8_t *prefix = malloc(size + 1);
    memcpy(prefix, sample.data, size);
    uint8_t *exact = realloc(prefix, size ? size : 1);
    struct plan plan;
    struct error err = {0};
    if (plan_parse(exact, size, &plan, &err) == 0) {
      test_fail(__FILE__, __LINE__, "accepted %zu of %zu bytes", size, sample.size);
      plan_free(&plan);
    }
    free(exact);
  }
  free(sample.data);
}

/* A changed byte gives another plan or an error, never a wild access; the sanitizers judge. */
static void survives_every_changed_byte(void) {
  static const uint8_t changes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  struct sample sample = read_sample("tests/sample-plan.hex");
  for (size_t at = 0; at < sample.size; at++) {
    uint8_t original = sample.data[at];
    for (size_t i = 0; i < sizeof changes; i++) {
      sample.data[at] = changes[i];
      struct plan plan;
      struct error err = {0};
      if (plan_parse(sample.data, sample.size, &plan, &err) == 0)
        plan_free(&plan);
      else if (err.message[0] == '\0')
        test_fail(__FILE__, __LINE__, "no message for byte %zu", at);
    }
    sample.data[at] = original;
  }
  free(sample.data);
}

static void expect_refusal(const uint8_t *data, size_t size, const char *message) {
  struct plan plan;
  struct error err = {0};
  CHECK(exec_plan_parse(data, size, &plan, &err) < 0);
  CHECK_EQUAL(err.message, message);
}

static void refuses_hostile_fields(void) {
  static const uint8_t unknown[] = {'G', 'E', 'P', '1', 99, 0, 0, 0, 0, 0};
  static const uint8_t twice[] = {'G', 'E', 'P', '1', 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0};
  static const uint8_t huge[] = {'G', 'E', 'P', '1', 1, 0, 0xff, 0xff, 0xff, 0xff, 0};
  static const uint8_t unended[] = {'G', 'E', 'P', '1', 1, 0, 1, 0, 0, 0, 'x', 2, 0, 1, 0, 0,
                                    0,   0,   3,   0,   1, 0, 0, 0, 0, 4, 0,   0, 0, 0, 0};
  static const uint8_t other[] = {'G', 'E', 'P', '2', 1, 0, 1, 0, 0, 0, 0};
  expect_refusal(unknown, sizeof unknown, "plan: exec: unknown tag 99");
  expect_refusal(twice, sizeof twice, "plan: exec: field 1 occurs 2 times");
  expect_refusal(huge, sizeof huge, "plan: exec: truncated");
  expect_refusal(unended, sizeof unended, "plan: a string does not end with its only NUL");
  expect_refusal(other, sizeof other, "plan: made by another version of the engine");
}

static void refuses_more_entries_than_the_limit(void) {
  enum { ENTRIES = 1025, ENTRY = 7 };
  struct sample sample = read_sample("tests/sample-exec.hex");
  /* The group `process` is the last field of the exec; its header is found behind three strings. */
  size_t header =
      4 + 6 + sizeof "e4ec" + 6 + sizeof "{\"args\":[],\"user\":" + 6 + sizeof ",\"cwd\":\"/\"}";
  size_t size = sample.size + ENTRIES * ENTRY;
  uint8_t *grown = malloc(size);
  memcpy(grown, sample.data, sample.size);
  uint32_t length = (uint32_t)(size - header - 6);
  memcpy(grown + header + 2, &length, sizeof length);
  for (size_t i = 0; i < ENTRIES; i++)
    memcpy(grown + sample.size + i * ENTRY, "\x05\x00\x01\x00\x00\x00\x00",
           ENTRY); /* additional group "" */
  expect_refusal(grown, size, "plan: process: field 5 occurs 1026 times");
  free(grown);
  free(sample.data);
}

const struct test_case plan_tests[] = {
    {"a container's plan is decoded as TypeScript encoded it", decodes_what_typescript_encodes},
    {"an exec's plan is decoded as TypeScript encoded it, and is no container's", decodes_an_exec},
    {"a change of the network is decoded as TypeScript encoded it", decodes_a_network_change},
    {"every truncated plan is refused", refuses_every_truncation},
    {"a plan with any byte changed does no harm", survives_every_changed_byte},
    {"unknown, repeated, overlong and unended fields are refused", refuses_hostile_fields},
    {"a list longer than its limit is refused", refuses_more_entries_than_the_limit},
    {0},
};
