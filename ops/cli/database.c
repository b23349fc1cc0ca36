#include "ops/cli/database.h"

#include <stdio.h>
#include <string.h>

#include "actors/kit/pg/pg.h"
#include "ops/cli/local_instance.h"

static const struct {
    int params;
    const char *sql;
} statements[] = {
#define S(NAME, params, sql) [CLI_##NAME] = {params, sql},
    CLI_STATEMENTS(S)
#undef S
};

const struct cli_option database_options[] = {
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct database_options, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
    {"json", NULL, CLI_FLAG, offsetof(struct database_options, json), "print JSON"},
};

/* libpq's message, on one line. */
static void
copy_reason(const PGconn *connection, char *detail, size_t size)
{
    size_t length;

    snprintf(detail, size, "%s", PQerrorMessage(connection));
    length = strlen(detail);
    while (length > 0 && detail[length - 1] == '\n')
        detail[--length] = '\0';
    for (char *c = detail; *c; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
}

static PGconn *
connect_with(const char *url, const char *key, const char *value, char *detail, size_t size)
{
    const char *const keys[] = {"dbname", "application_name", "connect_timeout", key, NULL};
    const char *const values[] = {url, "tunemill-cli", "5", value, NULL};
    char reason[CLI_DETAIL_MAX];
    PGconn *connection;

    if (!pg_is_address(url)) {
        snprintf(detail, size,
                 "the database's address (DATABASE_URL or database.url) cannot be read: it is "
                 "postgresql://USER@HOST/NAME, or words such as host=HOST dbname=NAME");
        return NULL;
    }
    connection = PQconnectdbParams(keys, values, 1);
    if (PQstatus(connection) == CONNECTION_OK)
        return connection;
    copy_reason(connection, reason, sizeof reason);
    snprintf(detail, size, "the database cannot be reached: %s", reason);
    PQfinish(connection);
    return NULL;
}

PGconn *
database_open(const settings_t *settings, enum database_access access, char *detail,
              size_t size)
{
    /* a table without statistics is read by its indexes all the same; what writes ends when the
     * command does */
#define PLANS "-c enable_seqscan=off -c jit=off"
    static const char *const options[] = {
        [DATABASE_READ] = PLANS " -c default_transaction_read_only=on",
        [DATABASE_WRITE] = PLANS " -c client_connection_check_interval=1000"};
#undef PLANS

    if (!settings->database_url[0]) {
        snprintf(detail, size,
                 "no database is known: set DATABASE_URL, or run this where "
                 "`tunemill up` runs (or give its --data-dir)");
        return NULL;
    }
    return connect_with(settings->database_url, "options", options[access], detail, size);
}

/* What the SQLSTATEs that people meet mean to them. */
static const struct {
    const char *sqlstate, *text;
} meanings[] = {
    {"42P01", "the database lacks what this command needs; `tunemill migrate` brings it"},
    {"42703", "the database lacks what this command needs; `tunemill migrate` brings it"},
    {"42883", "the database lacks what this command needs; `tunemill migrate` brings it"},
    {"25006", "this database takes no writes: it is a standby, or was made read-only"},
    {"42501", "the database's user may not do this; its owner can GRANT it"},
    {"40001", "others were at the same jobs at the same time; say it again"},
    {"40P01", "others were at the same jobs at the same time; say it again"},
    {"57014", "the database gave up: the question took too long, or someone ended it"},
};

/* Never the statement, which is nobody's business. */
static void
copy_refusal(const PGconn *connection, const PGresult *result, char *detail, size_t size)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (!sqlstate) {
        copy_reason(connection, detail, size);
        return;
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (strcmp(sqlstate, meanings[i].sqlstate) == 0)
            message = meanings[i].text;
    snprintf(detail, size, "%s", message ? message : sqlstate);
}

static PGresult *
execute(PGconn *connection, enum cli_statement statement, const char *const *parameters,
        char *detail, size_t size)
{
    PGresult *result =
        PQexecParams(connection, statements[statement].sql, statements[statement].params, NULL,
                     parameters, NULL, NULL, 0);

    detail[0] = '\0';
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return result;
    copy_refusal(connection, result, detail, size);
    PQclear(result);
    return NULL;
}

json_t *
database_json(PGconn *connection, enum cli_statement statement, const char *const *parameters,
              char *detail, size_t size)
{
    PGresult *result = execute(connection, statement, parameters, detail, size);
    json_t *value = NULL;

    if (result && PQntuples(result) == 1)
        value = json_loads(PQgetvalue(result, 0, 0), JSON_DECODE_ANY, NULL);
    PQclear(result);
    return value;
}

json_t *
database_answer(const cli_t *cli, PGconn *connection, enum cli_statement statement,
                const char *const *parameters)
{
    char detail[CLI_DETAIL_MAX] = "";
    json_t *answer = database_json(connection, statement, parameters, detail, sizeof detail);

    if (!answer)
        cli_fail(cli, "%s", detail[0] ? detail : "the database's answer is not JSON");
    return answer;
}

PGconn *
database_reach(cli_t *cli, const char *data_dir, enum database_access access)
{
    char detail[CLI_DETAIL_MAX] = "";
    PGconn *connection;

    local_instance_fill(cli, data_dir);
    connection = database_open(cli->settings, access, detail, sizeof detail);
    if (!connection)
        cli_fail(cli, "%s", detail);
    return connection;
}

json_t *
database_ask(cli_t *cli, const char *data_dir, enum database_access access,
             enum cli_statement statement, const char *const *parameters)
{
    PGconn *connection = database_reach(cli, data_dir, access);
    json_t *answer = NULL;

    if (connection)
        answer = database_answer(cli, connection, statement, parameters);
    PQfinish(connection);
    return answer;
}

/* A copy of the name the url gives its database. */
static bool
name_of_database(const char *url, char *name, size_t size)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool found = false;

    for (const PQconninfoOption *option = options; option && option->keyword; option++)
        if (strcmp(option->keyword, "dbname") == 0 && option->val)
            found = (size_t)snprintf(name, size, "%s", option->val) < size;
    PQconninfoFree(options);
    return found;
}

static tm_err_t
create(PGconn *connection, const char *name, char *detail, size_t size)
{
    const char *parameters[] = {name};
    PGresult *result = execute(connection, CLI_DATABASE_EXISTS, parameters, detail, size);
    bool exists = result && PQntuples(result) > 0;
    tm_err_t err = result ? TM_OK : TM_STORE_DOWN;
    PGresult *made;

    PQclear(result);
    if (err || exists)
        return err;
    result = execute(connection, CLI_DATABASE_CREATE_TEXT, parameters, detail, size);
    if (!result)
        return TM_STORE_DOWN;
    made = PQexec(connection, PQgetvalue(result, 0, 0));
    if (PQresultStatus(made) != PGRES_COMMAND_OK) {
        copy_reason(connection, detail, size);
        err = TM_STORE_DOWN;
    }
    PQclear(made);
    PQclear(result);
    return err;
}

tm_err_t
database_create(const char *url, char *detail, size_t size)
{
    char name[256];
    PGconn *connection;
    tm_err_t err;

    if (!name_of_database(url, name, sizeof name)) {
        snprintf(detail, size, "the database's address names no database");
        return TM_BAD_SETTING;
    }
    connection = connect_with(url, "dbname", "postgres", detail, size);
    if (!connection)
        return TM_STORE_DOWN;
    err = create(connection, name, detail, size);
    PQfinish(connection);
    return err;
}
