#include "actors/kit/pg/pg_inner.h"

#include <math.h>
#include <string.h>

#define OUR_SQLSTATE "TM001"

const char *
pg_get(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

int64_t
pg_get_i64(const PGresult *result, int row, int column)
{
    const char *text = pg_get(result, row, column);

    return text ? strtoll(text, NULL, 10) : 0;
}

size_t
pg_affected(const PGresult *result)
{
    return (size_t)strtoull(PQcmdTuples((PGresult *)(uintptr_t)result), NULL, 10);
}

double
pg_get_f64(const PGresult *result, int row, int column)
{
    const char *text = pg_get(result, row, column);

    return text ? strtod(text, NULL) : (double)NAN;
}

bool
pg_get_bool(const PGresult *result, int row, int column)
{
    const char *text = pg_get(result, row, column);

    return text && text[0] == 't';
}

tm_uuid_t
pg_get_uuid(const PGresult *result, int row, int column)
{
    const char *text = pg_get(result, row, column);
    tm_uuid_t id = {{0}};

    if (text && tm_uuid_parse(text, strlen(text), &id) != TM_OK)
        id = (tm_uuid_t){{0}}; /* not of a uuid column: the SQL is ours, and a test reads it */
    return id;
}

unsigned char *
pg_get_bytes(const PGresult *result, int row, int column, size_t *ret_size)
{
    const char *text = pg_get(result, row, column);
    unsigned char *decoded, *copy;
    size_t size;

    if (!text)
        return NULL;
    decoded = PQunescapeBytea((const unsigned char *)text, &size);
    copy = decoded ? malloc(size + 1) : NULL; /* the caller frees with free */
    if (copy) {
        memcpy(copy, decoded, size);
        copy[size] = '\0';
        *ret_size = size;
    }
    PQfreemem(decoded);
    return copy;
}

tm_err_t
pg_error_of(const char *sqlstate)
{
    static const struct {
        const char *begins;
        tm_err_t err;
    } rows[] = {
        {"08", TM_STORE_DOWN},
        {"57P01", TM_STORE_DOWN},
        {"57P02", TM_STORE_DOWN},
        {"57P03", TM_STORE_DOWN},
        {"57P05", TM_STORE_DOWN},
        {"25006", TM_STORE_DOWN}, /* a standby now; another host may be the primary */
        {"40001", TM_BUSY},       /* serialization */
        {"40P01", TM_BUSY},       /* deadlock */
        {"55P03", TM_BUSY},       /* lock time-out */
        {"53", TM_BUSY},          /* out of some resource */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strncmp(rows[i].begins, sqlstate, strlen(rows[i].begins)) == 0)
            return rows[i].err;
    return sqlstate[0] ? TM_INTERNAL : TM_STORE_DOWN;
}

/* `CODE: detail` raised by our own SQL. */
static void
read_refusal(struct pg_outcome *outcome)
{
    const char *colon = strstr(outcome->message, ": ");
    size_t size = colon ? (size_t)(colon - outcome->message) : strlen(outcome->message);

    outcome->err = tm_err_by_name(outcome->message, size);
    if (outcome->err == TM_OK)
        outcome->err = TM_INTERNAL; /* a failure is never "OK" */
    if (colon)
        outcome->message = colon + 2;
}

static void
read_failure(struct pg_outcome *outcome, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    outcome->sqlstate = sqlstate ? sqlstate : "";
    outcome->message = message ? message : "";
    if (strcmp(outcome->sqlstate, OUR_SQLSTATE) == 0)
        read_refusal(outcome);
    else
        outcome->err = pg_error_of(outcome->sqlstate);
}

static bool
is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           status == PGRES_EMPTY_QUERY;
}

void
pg_log_error(const char *event, const char *statement, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char quoted[400];

    log_warn(event, "statement=%s sqlstate=%s", statement, sqlstate ? sqlstate : "none");
    if (message)
        log_debug(event, "statement=%s text=%s", statement,
                  log_quote(message, strlen(message), quoted, sizeof(quoted)));
}

static void
report(const struct pg_outcome *outcome, const char *statement, const PGresult *result)
{
    if (strcmp(outcome->sqlstate, OUR_SQLSTATE) != 0) /* a refusal is an answer, not a fault */
        pg_log_error("pg.failed", statement, result);
}

struct pg_outcome
pg_outcome_of(const pg_unit_t *unit)
{
    struct pg_outcome outcome = {TM_OK, "", "", unit->results, unit->result_count};

    for (size_t i = 0; i < unit->result_count; i++)
        if (!is_success(unit->results[i])) {
            read_failure(&outcome, unit->results[i]);
            report(&outcome, unit->statements[unit->calls[i].statement].name, unit->results[i]);
            return outcome;
        }
    if (unit->late && !is_success(unit->late)) {
        read_failure(&outcome, unit->late);
        report(&outcome, "COMMIT", unit->late);
    } else if (unit->result_count < unit->call_count)
        return pg_outcome_down();
    return outcome;
}

struct pg_outcome
pg_outcome_down(void)
{
    return (struct pg_outcome){TM_STORE_DOWN, "", tm_err_text(TM_STORE_DOWN), NULL, 0};
}

void
pg_ignore_notice(void *arg, const PGresult *result)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char quoted[400];

    (void)arg;
    if (text)
        log_debug("pg.notice", "text=%s",
                  log_quote(text, strlen(text), quoted, sizeof(quoted)));
}
