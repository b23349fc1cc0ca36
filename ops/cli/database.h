/* database - the command line's own look into PostgreSQL, one statement at a time, read-only.
 */
#ifndef OPS_CLI_DATABASE_H
#define OPS_CLI_DATABASE_H

#include <jansson.h>
#include <libpq-fe.h>

#include "ops/cli/cli.h"
#include "ops/cli/statements.def"

enum cli_statement {
#define S(NAME, params, sql) CLI_##NAME,
    CLI_STATEMENTS(S)
#undef S
};

/* The database of the settings. NULL: it cannot be reached; `detail` says why. */
PGconn *database_open(const settings_t *settings, char *detail, size_t size);

/* Runs a statement that answers one JSON value. NULL and empty detail: no row. Parameters as
 * text, as many as the statement has. */
json_t *database_json(PGconn *connection, enum cli_statement statement,
                      const char *const *parameters, char *detail, size_t size);

/* Makes the database that the url names if it is not there. */
TM_CHECKED tm_err_t database_create(const char *url, char *detail, size_t size);

#endif
