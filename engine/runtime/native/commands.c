/* The subcommands, chosen by the first argument. */
#include <stdio.h>
#include <string.h>

#include "commands.h"

struct command {
  const char *name;
  int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"zygote", zygote_main},             /* resident parent that forks shims, see zygote.c */
    {"layer-worker", layer_worker_main}, /* layers on stdin -> layer directories or images */
    {"layer-probe", layer_probe_main},   /* what kinds of layers work here */
    {"layer-facts", layer_tar_main},
    {"sync-filesystem", sync_filesystem_main},
    {"layer-tar", layer_tar_main},       /* overlay upper directory -> layer tar on stdout */
    {"archive-stat", archive_stat_main}, /* a container's file: archive_get.c */
    {"archive-get", archive_get_main},
    {"archive-list", archive_list_main},
    {"archive-changes", archive_changes_main},
    {"archive-written", archive_written_main}, /* how much of that, by directory */
    {"archive-write", archive_edit_main},      /* one file or directory: archive_edit.c */
    {"archive-mkdir", archive_edit_main},
    {"archive-remove", archive_edit_main},
    {"archive-rename", archive_edit_main},
    {"clone-tree", clone_tree_main}, /* a directory -> an empty one */
    {"exchange-directories", exchange_directories_main},
    {"archive-put", archive_put_main},   /* tar on stdin -> a container's directory */
    {"archive-walk", archive_walk_main}, /* where a path is, through links */
    {"copy-up", copy_up_main},           /* image content -> fresh volume */
    {"find-directory", find_directory_main},
    {"finish-copy-up", finish_copy_up_main},
    {"make-directory", make_directory_main}, /* a container's WORKDIR */
    {"remove-tree", remove_tree_main},       /* guarded recursive removal */
    {"remove-stubs", remove_stubs_main},     /* what mounts of a build step were laid over */
    {"clamp-times", clamp_times_main},       /* SOURCE_DATE_EPOCH */
    {"limit-size", limit_size_main},         /* project quota of a writable layer */
    {"mount-volume", mount_volume_main},     /* what a volume's options name, on its directory */
    {"unmount-volume", unmount_volume_main},
    {"send-datagrams", send_datagrams_main}, /* messages on stdin -> a unix datagram socket */
    {"--",
     init_main}, /* PID 1 of a container that another runtime makes: `docker-init -- COMMAND` */
    {"netfilter", netfilter_main},             /* one nf_tables transaction */
    {"watch-netfilter", watch_netfilter_main}, /* until somebody flushes our table */
    {"forget-flows", forget_flows_main},       /* of UDP to published ports */
    {"visit-network", visit_network_main},     /* questions asked from a container's network */
    {"oci-create", oci_create_main},           /* gantry-runc's work: oci.c */
    {"oci-exec", oci_exec_main},
    {"hold", hold_main}, /* namespaces of an ordinary user's engine, and their uplink */
};

int command_run(int argc, char **argv) {
  for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(argv[0], commands[i].name) == 0)
      return commands[i].run(argc, argv);
  }
  fprintf(stderr, "usage: gantry-shim COMMAND [ARGUMENT...]\n");
  return 2;
}
