/* The private system; and what its database has behind it after a while: jobs that have ended,
 * jobs that wait, and somebody's forgotten transaction that keeps vacuum from clearing up. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/bench/bench.h"
#include "ops/supervisor/paths.h"

static void
become_up(const char *data_dir, int out)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(out, STDOUT_FILENO);
    unsetenv("DATABASE_URL");
    execl("/proc/self/exe", "tunemill", "up", "--data-dir", data_dir, "--http", "127.0.0.1:0",
          "--tune", "1", "--set=system.log_level=warn", (char *)NULL);
    _exit(127);
}

static tm_err_t
read_ready(struct bench_world *self, int out)
{
    char line[4096] = "";
    FILE *file = fdopen(out, "r");
    json_t *ready = NULL;
    const char *broker, *database;

    if (file && fgets(line, sizeof line, file))
        ready = json_loads(line, 0, NULL);
    if (file)
        fclose(file);
    broker = json_string_value(json_object_get(ready, "broker"));
    database = json_string_value(json_object_get(ready, "database"));
    if (broker && database) {
        snprintf(self->broker, sizeof self->broker, "%s", broker);
        snprintf(self->database, sizeof self->database, "%s", database);
    }
    json_decref(ready);
    return broker && database ? TM_OK : TM_INTERNAL;
}

tm_err_t
bench_world_start(struct bench_world *self, char *detail, size_t size)
{
    char data_dir[128];
    int ends[2];

    snprintf(self->directory, sizeof self->directory, "/tmp/tunemill-bench-XXXXXX");
    if (!mkdtemp(self->directory) || chmod(self->directory, 0711) < 0 ||
        pipe2(ends, O_CLOEXEC) < 0) {
        snprintf(detail, size, "no directory could be made in /tmp: %s", strerror(errno));
        return TM_INTERNAL;
    }
    snprintf(data_dir, sizeof data_dir, "%s/data", self->directory);
    self->pid = fork();
    if (self->pid == 0)
        become_up(data_dir, ends[1]);
    close(ends[1]);
    if (self->pid > 0 && read_ready(self, ends[0]) == TM_OK)
        return TM_OK;
    bench_world_stop(self);
    snprintf(detail, size, "the private system did not start; standard error says why");
    return TM_INTERNAL;
}

void
bench_world_stop(struct bench_world *self)
{
    int status;

    PQfinish(self->snapshot);
    self->snapshot = NULL;
    if (self->pid > 0) {
        kill(self->pid, SIGTERM);
        while (waitpid(self->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    self->pid = 0;
    if (paths_remove_tree(self->directory) != TM_OK)
        fprintf(stderr, "tunemill bench: %s could not be removed\n", self->directory);
}

/* --- its past ----------------------------------------------------------------------------- */

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

static tm_err_t
run(PGconn *connection, const char *sql, long long number)
{
    char text[24];
    const char *values[] = {text};
    PGresult *result;
    ExecStatusType status;

    snprintf(text, sizeof text, "%lld", number);
    result = number > 0 ? PQexecParams(connection, sql, 1, NULL, values, NULL, NULL, 0)
                        : PQexec(connection, sql);
    status = PQresultStatus(result);
    PQclear(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return TM_OK;
    fprintf(stderr, "tunemill bench: %s", PQerrorMessage(connection));
    return TM_STORE_DOWN;
}

tm_err_t
bench_sql(const struct bench_world *self, const char *sql, long long number)
{
    PGconn *connection = PQconnectdb(self->database);
    tm_err_t err = run(connection, sql, number);

    PQfinish(connection);
    return err;
}

tm_err_t
bench_age(struct bench_world *self, const struct bench_options *options)
{
    tm_err_t err =
        options->history > 0 ? bench_sql(self, history_sql, options->history) : TM_OK;

    if (!err && options->backlog > 0)
        err = bench_sql(self, backlog_sql, options->backlog);
    if (!err && options->workspace_limit > 0)
        err = bench_sql(self, limit_sql, options->workspace_limit);
    if (!err && options->history + options->backlog > 0)
        err = bench_sql(self, "VACUUM ANALYZE", 0);
    if (!err && options->history + options->backlog > 0)
        err = bench_sql(self, "CHECKPOINT", 0);
    if (err || !options->snapshot)
        return err;
    self->snapshot = PQconnectdb(self->database); /* stays open until the end */
    return run(self->snapshot, snapshot_sql, 0);
}

tm_err_t
bench_settle(const struct bench_world *self, bool forget)
{
    tm_err_t err = forget ? bench_sql(self, "TRUNCATE job_runs", 0) : TM_OK;

    return err ? err : bench_sql(self, "CHECKPOINT", 0);
}
