/* gantry-shim: one static binary, several jobs chosen by its first argument. */
#include <stdio.h>
#include <string.h>

#include "commands.h"

struct command {
  const char *name;
  int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"zygote", zygote_main},           /* resident parent that forks shims, see zygote.c */
    {"extract-layer", extract_main},   /* tar on stdin -> layer directory */
    {"archive-get", archive_get_main}, /* path in a container's root -> tar on stdout */
    {"archive-put", archive_put_main}, /* tar on stdin -> path in a container's root */
    {"archive-stat", archive_stat_main},
    {"copy-up", copy_up_main},         /* image content -> fresh volume */
    {"remove-tree", remove_tree_main}, /* guarded recursive removal */
};

int main(int argc, char **argv) {
  for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(argv[1], commands[i].name) == 0)
      return commands[i].run(argc - 1, argv + 1);
  }
  fprintf(stderr, "usage: gantry-shim COMMAND [ARGUMENT...]\n");
  return 2;
}
