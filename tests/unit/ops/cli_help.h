/* cli_help - runs the built tunemill against the database of the test, and reads what it said.
 */
#ifndef TESTS_UNIT_OPS_CLI_HELP_H
#define TESTS_UNIT_OPS_CLI_HELP_H

#include <check.h>
#include <jansson.h>

#include "tests/support/command.h"
#include "tests/unit/kit/queue_help.h"

/* Checked fixture: queue_setup, and DATABASE_URL names its database. */
void cli_setup(void);
void cli_setup_nowhere(void); /* a database that cannot be reached: to ask it is a failure */
void cli_teardown(void);

/* Runs it with the words up to NULL; the outcome stands until the next run. */
const struct command *cli_run(const char *first, ...) __attribute__((sentinel));
/* Exit code, and words on stderr ("" for none at all), with nothing on stdout. */
void cli_refuses(const struct command *command, int code, const char *words);
/* Exit code 0 and this on stdout, whole. */
void cli_says(const struct command *command, const char *out);
/* Exit code 0; what it printed as JSON. It stands until the next run. */
const json_t *cli_json(const struct command *command);
/* Members on the way: "jobs", 0 is written "jobs.0". NULL: not there. */
const json_t *cli_at(const json_t *value, const char *path);

/* The numbered line and column (from 0; columns are two spaces apart) of a table, as text. */
const char *cli_cell(const char *table, int line, int column);

TCase *cli_workers_case(void);
TCase *cli_dead_case(void);
TCase *cli_cancel_case(void);

#endif
