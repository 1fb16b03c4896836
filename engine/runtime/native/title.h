/* What ps(1) shows of a process that was forked without an execve. */
#ifndef GANTRY_TITLE_H
#define GANTRY_TITLE_H

/* Remembers where the command line lies. `last` ends right behind `first`. */
void title_open(char *first, const char *last);

/* Command line and thread name become `name`, as far as the first command line leaves room. */
void title_set(const char *name);

#endif
