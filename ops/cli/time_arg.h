/* time_arg - a point in time on the command line: an age, or a date with or without a time. */
#ifndef OPS_CLI_TIME_ARG_H
#define OPS_CLI_TIME_ARG_H

#include "ops/cli/cli.h"

/* One of the two is text, the other NULL; both NULL: none was given. The age goes by the
 * database's clock. */
struct time_arg {
    const char *time;  /* RFC 3339, UTC */
    const char *age_s; /* seconds before now */
    char text[48];
};

/* 90s, 15m, 36h, 7d, 2w; 2026-03-01, 2026-03-01T12:30, 2026-03-01T12:30:15.5Z, ...+02:00; UTC
 * unless it says otherwise. text NULL: none. False: said on stderr. Do not copy the struct. */
bool time_arg_parse(const cli_t *cli, const char *name, const char *text, struct time_arg *ret);

#endif
