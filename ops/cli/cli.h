/* cli - what every subcommand of `tunemill` stands on: options from tables, settings, refusals.
 *
 * A command is a function `int cmd_x(cli_t *cli, int argc, char **argv)` that returns an exit
 * code. It describes itself in a struct cli_usage, from which come its parsing and its --help.
 * Answers go to standard output, everything else to standard error.
 */
#ifndef OPS_CLI_CLI_H
#define OPS_CLI_CLI_H

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "actors/kit/fields/fields.h"
#include "actors/kit/runtime/settings.h"
#include "proto/message.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

#define CLI_LIST_MAX   64
#define CLI_DETAIL_MAX 1024

struct cli_list {
    const char *items[CLI_LIST_MAX];
    size_t count;
};

/* What an option does with its value, at `offset` of the command's own struct; what is not
 * given stays as it is. Whatever it does, a value that the row does not allow is refused. */
struct cli_kind {
    enum {
        CLI_SETS,  /* a bool becomes true */
        CLI_ADDS,  /* one more of a struct cli_list */
        CLI_KEEPS, /* the text itself, in a const char * */
        CLI_READS  /* what it means */
    } way;
    field_kind_t kind;
    double min, max;
    const char *choices;
};
#define CLI_KIND(way, KIND, min, max, words) \
    {                                        \
        way, FIELD_##KIND, min, max, words   \
    }

#define CLI_FLAG             CLI_KIND(CLI_SETS, BOOL, 0, 0, NULL)
#define CLI_LIST             CLI_KIND(CLI_ADDS, TEXT, 0, INFINITY, NULL)
#define CLI_TEXT             CLI_KIND(CLI_KEEPS, TEXT, 0, INFINITY, NULL)
#define CLI_CHOICE(words)    CLI_KIND(CLI_KEEPS, CHOICE, 0, 0, words)
#define CLI_WHOLE(min, max)  CLI_KIND(CLI_KEEPS, INT, min, max, NULL)
#define CLI_INT(min, max)    CLI_KIND(CLI_READS, INT, min, max, NULL)    /* a long long */
#define CLI_NUMBER(min, max) CLI_KIND(CLI_READS, NUMBER, min, max, NULL) /* a double */

struct cli_option {
    const char *name;  /* --name */
    const char *value; /* what --help calls it; NULL for a flag */
    struct cli_kind kind;
    size_t offset;
    const char *help;
};

struct cli_usage {
    const char *arguments; /* "FILE.csv", "" */
    int min_arguments, max_arguments;
    const struct cli_option *options;
    size_t option_count;
    const char *notes; /* printed below the options, or NULL */
};

typedef struct cli cli_t;
typedef int cli_command_fn(cli_t *cli, int argc, char **argv);

struct cli_command {
    const char *name;
    cli_command_fn *run;
    const char *help; /* one line */
};

/* The options every command has. */
struct cli_common {
    const char *config, *brokers;
    struct cli_list assignments;
    bool help;
};

struct cli {
    const struct cli_command *command;
    struct cli_common common;
    settings_t *settings; /* after cli_parse */
    char **arguments;
    int argument_count;
    json_t *found_ids; /* of arguments that were the beginning of an id; NULL: none was */
};

/* Parses argv into `state` and loads the settings. Returns -1: go on; else the exit code. */
int cli_parse(cli_t *self, const struct cli_usage *usage, void *state, int argc, char **argv);

/* A command with commands of its own. The first row is what runs without a word; the others'
 * names are its name, a space, and the word. */
int cli_dispatch(cli_t *self, const struct cli_command *commands, size_t count, int argc,
                 char **argv);

/* For a process of the system: logs under the command's name, at system.log_level. */
void cli_log_init(const cli_t *self);
/* "tunemill x: ..." on standard error. Each returns the code to leave with. */
int cli_fail(const cli_t *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_misuse(const cli_t *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A value by its row, into `owner`. False: said on stderr, of what is called `name`. */
bool cli_field(const cli_t *self, const char *name, const field_t *row, const char *text,
               void *owner);

/* A whole file, terminated by a NUL that is not counted. NULL: said on stderr. */
char *cli_read_file(const cli_t *self, const char *path, size_t max_bytes, size_t *ret_size);

/* Commands, one file each, and the one of every process of the system: services.c. */
cli_command_fn cmd_up, cmd_submit, cmd_watch, cmd_tunes, cmd_queues, cmd_pause, cmd_resume,
    cmd_workers, cmd_dead, cmd_cancel, cmd_backtest, cmd_data, cmd_migrate, cmd_bench, cmd_keys,
    cmd_doctor, cmd_events, cmd_retention, run_service;

#endif
