/* Entry points of the subcommands. Each gets argv with its own name first and returns the exit
 * status. */
#ifndef GANTRY_COMMANDS_H
#define GANTRY_COMMANDS_H

/* Runs the subcommand that argv[0] names; 2 when there is none. commands.c holds the table. */
int command_run(int argc, char **argv);

int zygote_main(int argc, char **argv);
int layer_worker_main(int argc, char **argv);
int layer_probe_main(int argc, char **argv);
int layer_tar_main(int argc, char **argv);
int sync_filesystem_main(int argc, char **argv);
int archive_get_main(int argc, char **argv);
int archive_put_main(int argc, char **argv);
int archive_walk_main(int argc, char **argv);
int archive_stat_main(int argc, char **argv);
int archive_list_main(int argc, char **argv);
int archive_changes_main(int argc, char **argv);
int archive_written_main(int argc, char **argv);
int archive_edit_main(int argc, char **argv);
int exchange_directories_main(int argc, char **argv);
int clone_tree_main(int argc, char **argv);
int copy_up_main(int argc, char **argv);
int make_directory_main(int argc, char **argv);
int find_directory_main(int argc, char **argv);
int finish_copy_up_main(int argc, char **argv);
int remove_tree_main(int argc, char **argv);
int remove_stubs_main(int argc, char **argv);
int clamp_times_main(int argc, char **argv);
int limit_size_main(int argc, char **argv);
int mount_volume_main(int argc, char **argv);
int unmount_volume_main(int argc, char **argv);
int oci_create_main(int argc, char **argv);
int oci_exec_main(int argc, char **argv);
int init_main(int argc, char **argv);
int send_datagrams_main(int argc, char **argv);
int netfilter_main(int argc, char **argv);
int watch_netfilter_main(int argc, char **argv);
int forget_flows_main(int argc, char **argv);
int visit_network_main(int argc, char **argv);
int hold_main(int argc, char **argv);

#endif
