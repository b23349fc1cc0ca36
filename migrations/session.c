#include "migrations/session.h"

#include <stdarg.h>
#include <string.h>

static const struct pg_statement statements[] = {
#define S(NAME, params, sql) {#NAME, params, sql},
    MIGRATE_STATEMENTS(S)
#undef S
};

tm_err_t
session_wrong(struct session *self, tm_err_t err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(self->detail, self->size, format, args);
    va_end(args);
    return err;
}

/* Line of a character (from 1) of a script, 0 if the server named none. */
static unsigned
line_of(const char *script, const PGresult *result)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    long left = position ? strtol(position, NULL, 10) : 0;
    unsigned line = left > 0;

    for (; left > 1 && *script; script++) {
        if ((*script & 0xc0) != 0x80) /* counted in characters, not bytes */
            left--;
        line += *script == '\n';
    }
    return line;
}

static tm_err_t
judge(struct session *self, const PGresult *result, const char *what, const char *script)
{
    ExecStatusType status = PQresultStatus(result);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    unsigned line = line_of(script, result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        return TM_OK;
    if (PQstatus(self->connection) == CONNECTION_BAD)
        return session_wrong(self, TM_STORE_DOWN, "%s: the connection to the database was lost",
                             what);
    if (line)
        return session_wrong(self, TM_INTERNAL, "%s:%u: %s", what, line,
                             message ? message : "failed");
    return session_wrong(self, TM_INTERNAL, "%s: %s", what, message ? message : "failed");
}

tm_err_t
session_run(struct session *self, migrate_sql_t sql, const char *what,
            const char *const *values, PGresult **ret_result)
{
    PGresult *result = PQexecParams(self->connection, statements[sql].sql,
                                    statements[sql].params, NULL, values, NULL, NULL, 0);
    tm_err_t err = judge(self, result, what, "");

    if (!err && ret_result)
        *ret_result = result;
    else
        PQclear(result);
    return err;
}

tm_err_t
session_script(struct session *self, const char *script, const char *what)
{
    PGresult *result = PQexec(self->connection, script);
    tm_err_t err = judge(self, result, what, script);

    PQclear(result);
    return err;
}

void
session_rollback(struct session *self)
{
    /* fails only with the connection, and then the server rolls back */
    PQclear(PQexec(self->connection, statements[SQL_ROLLBACK].sql));
}

tm_err_t
session_init(struct session *self, const char *url, char *detail, size_t size)
{
    const struct pg_options options = {
        .url = url, .application = "tunemill migrate", .connect_timeout_ms = 10000};

    *self = (struct session){.detail = detail, .size = size};
    self->pg = pg_sync_new(&options);
    if (pg_sync_connect(self->pg) != TM_OK)
        return session_wrong(
            self, TM_STORE_DOWN,
            "the database cannot be reached; check database.url (DATABASE_URL)");
    self->connection = pg_sync_connection(self->pg);
    return session_run(self, SQL_UNLIMITED, "database", NULL, NULL);
}

void
session_fini(struct session *self)
{
    pg_sync_destroy(&self->pg);
    self->connection = NULL;
}
