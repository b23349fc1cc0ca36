/* session - what the two runners share: a connection, statements by number, error texts. */
#ifndef MIGRATIONS_SESSION_H
#define MIGRATIONS_SESSION_H

#include "actors/kit/pg/pg.h"
#include "migrations/statements.def"

typedef enum {
#define S(NAME, params, sql) SQL_##NAME,
    MIGRATE_STATEMENTS(S)
#undef S
} migrate_sql_t;

struct session {
    pg_sync_t *pg;
    PGconn *connection; /* borrowed from pg */
    char *detail;
    size_t size;
};

/* Connects, without a limit on the time of a statement. */
TM_CHECKED tm_err_t session_init(struct session *self, const char *url, char *detail,
                                 size_t size);
void session_fini(struct session *self);

/* Runs one statement; parameters as text, as many as its row says. On error detail is written,
 * beginning with `what`. *ret_result may be NULL. */
TM_CHECKED tm_err_t session_run(struct session *self, migrate_sql_t sql, const char *what,
                                const char *const *values, PGresult **ret_result);
/* The same for a script of many statements. */
TM_CHECKED tm_err_t session_script(struct session *self, const char *script, const char *what);
tm_err_t session_wrong(struct session *self, tm_err_t err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void session_rollback(struct session *self);

#endif
