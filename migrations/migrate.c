#include "migrations/migrate.h"

#include <string.h>

#include "actors/kit/util/digest.h"
#include "actors/kit/runtime/log.h"
#include "migrations/embedded.h"
#include "migrations/session.h"

struct run {
    struct session session;
    int applied;
};

static const char *
checksum_of(const struct migration *file, char text[SHA256_TEXT])
{
    uint8_t hash[SHA256_SIZE];

    digest_of(file->sql, file->size, hash);
    return hex_text(hash, sizeof(hash), text);
}

/* The recorded checksum of a file; "": it was not applied yet. */
static tm_err_t
find_checksum(struct run *self, const struct migration *file, char ret[SHA256_TEXT])
{
    char number[16];
    const char *values[] = {file->number ? number : file->name};
    PGresult *result;
    tm_err_t err;

    snprintf(number, sizeof(number), "%d", file->number);
    err = session_run(&self->session, file->number ? SQL_FIND : SQL_FUNCTION_FIND, file->name,
                      values, &result);
    if (err)
        return err;
    snprintf(ret, SHA256_TEXT, "%s", PQntuples(result) == 1 ? pg_get(result, 0, 0) : "");
    PQclear(result);
    return TM_OK;
}

static tm_err_t
record(struct run *self, const struct migration *file, const char *checksum)
{
    char number[16];
    const char *migration[] = {number, file->name, checksum};
    const char *function[] = {file->name, checksum};

    snprintf(number, sizeof(number), "%d", file->number);
    return file->number
               ? session_run(&self->session, SQL_RECORD, file->name, migration, NULL)
               : session_run(&self->session, SQL_FUNCTION_RECORD, file->name, function, NULL);
}

static tm_err_t
apply(struct run *self, const struct migration *file, const char *checksum)
{
    struct session *session = &self->session;
    tm_err_t err = session_run(session, SQL_BEGIN, file->name, NULL, NULL);

    if (err)
        return err;
    err = session_script(session, (const char *)file->sql, file->name);
    if (!err)
        err = record(self, file, checksum);
    if (!err)
        err = session_run(session, SQL_COMMIT, file->name, NULL, NULL);
    if (err) {
        session_rollback(session);
        return err;
    }
    self->applied++;
    log_info("migration.applied", "name=%s", file->name);
    return TM_OK;
}

static tm_err_t
apply_tables(struct run *self)
{
    char checksum[SHA256_TEXT], known[SHA256_TEXT];
    tm_err_t err = TM_OK;

    for (size_t i = 0; i < migrations_count && !err; i++) {
        const struct migration *file = &migrations_table[i];

        err = find_checksum(self, file, known);
        if (err)
            break;
        checksum_of(file, checksum);
        if (!known[0])
            err = apply(self, file, checksum);
        else if (strcmp(known, checksum) != 0)
            err = session_wrong(&self->session, TM_INTERNAL,
                                "%s was changed after it was applied to this database; restore "
                                "it, and put the change into a new migration",
                                file->name);
    }
    return err;
}

static tm_err_t
is_of_newer(struct run *self, bool *ret)
{
    char number[16];
    const char *values[] = {number};
    PGresult *result;
    tm_err_t err;

    snprintf(number, sizeof(number), "%d", migrations_table[migrations_count - 1].number);
    err = session_run(&self->session, SQL_NEWER, "schema_migrations", values, &result);
    if (err)
        return err;
    *ret = PQntuples(result) > 0;
    PQclear(result);
    return TM_OK;
}

/* A migration may have dropped what it could not change in place, views most of all: behind one
 * all are applied. */
static tm_err_t
apply_functions(struct run *self)
{
    const bool all = self->applied > 0;
    char checksum[SHA256_TEXT], known[SHA256_TEXT];
    bool is_newer;
    tm_err_t err = is_of_newer(self, &is_newer);

    for (size_t i = 0; i < functions_count && !err && !is_newer; i++) {
        const struct migration *file = &functions_table[i];

        err = find_checksum(self, file, known);
        if (!err && (all || strcmp(known, checksum_of(file, checksum)) != 0))
            err = apply(self, file, checksum_of(file, checksum));
    }
    return err;
}

tm_err_t
migrate_run(const char *url, char *detail, size_t size, int *ret_applied)
{
    struct run run = {.applied = 0};
    tm_err_t err = session_init(&run.session, url, detail, size);

    if (!err)
        err = session_run(&run.session, SQL_LOCK, "advisory lock", NULL, NULL);
    if (!err)
        err = session_run(&run.session, SQL_TABLE, "schema_migrations", NULL, NULL);
    if (!err)
        err = session_run(&run.session, SQL_FUNCTIONS_TABLE, "schema_functions", NULL, NULL);
    if (!err)
        err = apply_tables(&run);
    if (!err)
        err = apply_functions(&run);
    session_fini(&run.session);
    if (!err)
        *ret_applied = run.applied;
    return err;
}
