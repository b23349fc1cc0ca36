#include "migrations/migrate.h"

#include <string.h>

#include "actors/kit/util/digest.h"
#include "actors/kit/runtime/log.h"
#include "migrations/embedded.h"
#include "migrations/session.h"

/* Was it applied? An error if with other contents. */
static tm_err_t
find(struct session *session, const struct migration *file, const char *checksum,
     bool *ret_applied)
{
    char number[16];
    const char *values[] = {number};
    PGresult *result;
    tm_err_t err;

    snprintf(number, sizeof(number), "%d", file->number);
    err = session_run(session, SQL_FIND, file->name, values, &result);
    if (err)
        return err;
    *ret_applied = PQntuples(result) == 1;
    if (*ret_applied && strcmp(pg_get(result, 0, 0), checksum) != 0)
        err = session_wrong(session, TM_INTERNAL,
                            "%s was changed after it was applied to this database; restore it, "
                            "and put the change into a new migration",
                            file->name);
    PQclear(result);
    return err;
}

static tm_err_t
apply_within(struct session *session, const struct migration *file, const char *checksum)
{
    char number[16];
    const char *values[] = {number, file->name, checksum};
    tm_err_t err = session_script(session, (const char *)file->sql, file->name);

    snprintf(number, sizeof(number), "%d", file->number);
    if (!err)
        err = session_run(session, SQL_RECORD, file->name, values, NULL);
    if (!err)
        err = session_run(session, SQL_COMMIT, file->name, NULL, NULL);
    return err;
}

static tm_err_t
apply(struct session *session, const struct migration *file, const char *checksum)
{
    tm_err_t err = session_run(session, SQL_BEGIN, file->name, NULL, NULL);

    if (err)
        return err;
    err = apply_within(session, file, checksum);
    if (err)
        session_rollback(session);
    else
        log_info("migration.applied", "name=%s", file->name);
    return err;
}

static tm_err_t
apply_all(struct session *session, int *applied)
{
    for (size_t i = 0; i < migrations_count; i++) {
        const struct migration *file = &migrations_table[i];
        uint8_t hash[SHA256_SIZE];
        char checksum[SHA256_TEXT];
        bool is_applied;
        tm_err_t err;

        digest_of(file->sql, file->size, hash);
        err = find(session, file, hex_text(hash, sizeof(hash), checksum), &is_applied);
        if (!err && !is_applied) {
            err = apply(session, file, checksum);
            *applied += !err;
        }
        if (err)
            return err;
    }
    return TM_OK;
}

tm_err_t
migrate_run(const char *url, char *detail, size_t size, int *ret_applied)
{
    struct session session;
    int applied = 0;
    tm_err_t err = session_init(&session, url, detail, size);

    if (!err)
        err = session_run(&session, SQL_LOCK, "advisory lock", NULL, NULL);
    if (!err)
        err = session_run(&session, SQL_TABLE, "schema_migrations", NULL, NULL);
    if (!err)
        err = apply_all(&session, &applied);
    session_fini(&session);
    if (!err)
        *ret_applied = applied;
    return err;
}
