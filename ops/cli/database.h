/* database - the command line's own way into PostgreSQL, one statement at a time; read-only
 * unless a command asks to write. */
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

enum database_access { DATABASE_READ, DATABASE_WRITE };

/* The options of a command that asks one thing; without JSON the first alone. */
struct database_options {
    const char *data_dir;
    bool json;
};
extern const struct cli_option database_options[2];

/* The database of the settings. NULL: it cannot be reached; `detail` says why. */
PGconn *database_open(const settings_t *settings, enum database_access access, char *detail,
                      size_t size);

/* The same, of the settings or of the running `tunemill up`. NULL: said on stderr. */
PGconn *database_reach(cli_t *cli, const char *data_dir, enum database_access access);

/* Runs a statement that answers one JSON value. NULL and empty detail: no row. Parameters as
 * text, as many as the statement has. */
json_t *database_json(PGconn *connection, enum cli_statement statement,
                      const char *const *parameters, char *detail, size_t size);

/* The same; NULL: said on stderr. */
json_t *database_answer(const cli_t *cli, PGconn *connection, enum cli_statement statement,
                        const char *const *parameters);

/* database_reach, database_answer and good-bye. NULL: said on stderr. */
json_t *database_ask(cli_t *cli, const char *data_dir, enum database_access access,
                     enum cli_statement statement, const char *const *parameters);

/* Makes the database that the url names if it is not there. */
TM_CHECKED tm_err_t database_create(const char *url, char *detail, size_t size);

#endif
