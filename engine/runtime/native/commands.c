/* The subcommands, chosen by the first argument. */
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
    {"remove-tree", remove_tree_main}, /* guarded recursive removal */
};

int command_run(int argc, char **argv) {
  for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(argv[0], commands[i].name) == 0)
      return commands[i].run(argc, argv);
  }
  fprintf(stderr, "usage: gantry-shim COMMAND [ARGUMENT...]\n");
  return 2;
}
