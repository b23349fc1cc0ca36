/* What a database has behind it after a while: jobs that have ended, jobs that wait, and
 * somebody's forgotten transaction that keeps vacuum from clearing up. */
#include <libpq-fe.h>
#include <stdio.h>

#include "ops/bench/bench.h"

/* Ids in the order of their making, as those of our clients are. */
static const char *const history_sql =
    "INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures, created_at,"
    " started_at, finished_at, result) SELECT lpad(to_hex(i), 32, '0')::uuid,"
    " '00000000-0000-0000-0000-000000000001', 'bench.past', 'done', 1, 0, now(), now(), now(),"
    " NULL FROM generate_series(1, $1::bigint) AS i";
static const char *const backlog_sql =
    "INSERT INTO jobs (id, workspace_id, queue, state, max_attempts, body)"
    " SELECT ('1' || lpad(to_hex(i), 31, '0'))::uuid, '00000000-0000-0000-0000-000000000001',"
    " 'bench.waiting', 'ready', 5, convert_to(repeat('x', 200), 'UTF8')"
    " FROM generate_series(1, $1::bigint) AS i";
static const char *const snapshot_sql =
    "BEGIN ISOLATION LEVEL REPEATABLE READ; SET idle_in_transaction_session_timeout = 0;"
    " SELECT count(*) FROM brokers";

static const char *const limit_sql = "SELECT queue_limit('" BENCH_QUEUE "', NULL, $1::int)";

static bool
run(PGconn *connection, const char *sql, long long count)
{
    char number[24];
    const char *values[] = {number};
    PGresult *result;
    ExecStatusType status;

    snprintf(number, sizeof number, "%lld", count);
    result = count > 0 ? PQexecParams(connection, sql, 1, NULL, values, NULL, NULL, 0)
                       : PQexec(connection, sql);
    status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fprintf(stderr, "tunemill bench: %s", PQerrorMessage(connection));
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

tm_err_t
bench_age(struct bench_world *world, const struct bench_options *options)
{
    PGconn *connection = PQconnectdb(world->database);
    bool is_ok = PQstatus(connection) == CONNECTION_OK;

    if (is_ok && options->history > 0)
        is_ok = run(connection, history_sql, options->history);
    if (is_ok && options->backlog > 0)
        is_ok = run(connection, backlog_sql, options->backlog);
    if (is_ok && options->workspace_limit > 0)
        is_ok = run(connection, limit_sql, options->workspace_limit);
    if (is_ok && options->history + options->backlog > 0)
        is_ok = run(connection, "VACUUM ANALYZE", 0) && run(connection, "CHECKPOINT", 0);
    if (is_ok && options->snapshot) {
        is_ok = run(connection, snapshot_sql, 0);
        world->snapshot = connection; /* stays open until the end */
        return is_ok ? TM_OK : TM_STORE_DOWN;
    }
    PQfinish(connection);
    return is_ok ? TM_OK : TM_STORE_DOWN;
}

tm_err_t
bench_settle(const struct bench_world *world, bool forget)
{
    PGconn *connection = PQconnectdb(world->database);
    bool is_ok = PQstatus(connection) == CONNECTION_OK &&
                 (!forget || run(connection, "TRUNCATE job_runs", 0)) &&
                 run(connection, "CHECKPOINT", 0);

    PQfinish(connection);
    return is_ok ? TM_OK : TM_STORE_DOWN;
}
