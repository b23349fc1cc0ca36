/* command - runs a program for a test and keeps what it said. */
#ifndef TESTS_SUPPORT_COMMAND_H
#define TESTS_SUPPORT_COMMAND_H

#include <sys/types.h>

#define COMMAND_TEXT_MAX (256 * 1024)

struct command {
    int code; /* exit code, or 128 + signal */
    char out[COMMAND_TEXT_MAX];
    char err[COMMAND_TEXT_MAX];
};

/* argv ends with NULL; argv[0] is the path. Waits for the end. NULL: it could not be run. */
struct command *command_run(const char *const *argv);
void command_destroy(struct command **self_p);

/* Starts it and returns. *ret_out reads its standard output; standard error goes to `log`. */
pid_t command_start(const char *const *argv, const char *log, int *ret_out);

#endif
