/* data_args - the options that say how a file of market data is read, and the reading. */
#ifndef OPS_CLI_DATA_ARGS_H
#define OPS_CLI_DATA_ARGS_H

#include <stdio.h>

#include "actors/tune/data/data.h"
#include "ops/cli/cli.h"

struct data_args {
    const char *symbol, *timezone;
    double allow_dropped_pct;
};
#define DATA_ARGS_DEFAULT                     \
    {                                         \
        .allow_dropped_pct = DATA_DROPPED_PCT \
    }

/* The rows of a table of options whose struct has a struct data_args as `member`. */
#define DATA_ARGS(type, member)                                                                \
    {"symbol", "NAME", CLI_TEXT, offsetof(type, member.symbol), "of a file that has several"}, \
        {"timezone", "ZONE", CLI_TEXT, offsetof(type, member.timezone),                        \
         "of the exchange, as Asia/Tokyo or +09:00; default what the file says, else UTC"},    \
    {                                                                                          \
        "allow-dropped-pct", "N", CLI_NUMBER(0, 100),                                          \
            offsetof(type, member.allow_dropped_pct),                                          \
            "of the rows that may lack a cell; default 5"                                      \
    }

struct data_options data_args_options(const struct data_args *self);

/* The file's bars, the caller's. Not CLI_OK: said on stderr; *ret_report is what was understood
 * until then, if the file could be opened. */
int data_args_read(const cli_t *cli, const char *path, const struct data_options *options,
                   struct data_report *ret_report, bars_t **ret);

/* Its notes and warnings, one a line. */
void data_args_print_words(FILE *out, const struct data_report *report);

#endif
