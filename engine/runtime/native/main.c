/* gantry-shim: one static binary, several jobs chosen by its first argument (commands.c). */
#include "commands.h"

int main(int argc, char **argv) {
  return command_run(argc - 1, argv + 1);
}
