/* A worker holds several jobs at once and ends each when it is due, by what its kind says.
 * Before it begins a job it writes down which attempt of it. An effect is a row in the
 * database, written in the transaction that ends the job: `settled`. */
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/worker.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/journal.h"
#include "tests/chaos/kinds.h"

enum { CREDIT = 6, CHILDREN = 2, RETRIES = 2, AGAIN_MS = 100, POLL_MS = 10, IDLE_MS = 100 };

struct held {
    tm_job_t *job; /* NULL: the place is free */
    const struct kind *kind;
    int64_t due_ms;
};

struct worker {
    struct chaos_shared *shared;
    tm_worker_t *tm;
    PGconn *database;
    int journal;
    struct held held[CREDIT];
};

static volatile sig_atomic_t is_leaving;

static void
on_signal(int number)
{
    (void)number;
    is_leaving = 1;
}

static const struct kind *
kind_of(const tm_job_t *job)
{
    tm_str_t body = tm_job_body(job);
    const char *space = body.size > 0 ? memchr(body.data, ' ', body.size) : NULL;

    return space ? kind_find(body.data, (size_t)(space - body.data)) : NULL;
}

/* --- effects ------------------------------------------------------------------------------ */

static const char effect_sql[] = "WITH effect AS (INSERT INTO chaos_effects (job, attempt, pid)"
                                 "                VALUES ($1::uuid, $2::int, pg_backend_pid()))"
                                 " SELECT job_finish($1::uuid, $2::int, 'effect')";
static const char was_it_me_sql[] =
    "SELECT 1 FROM job_runs WHERE id = $1::uuid AND attempt = $2::int";

enum written { WRITTEN, NOT_OURS, UNKNOWN };

static PGresult *
ask(struct worker *self, const char *sql, const tm_job_t *job)
{
    char id[TM_UUID_TEXT], attempt[16];
    const char *values[] = {tm_uuid_text(tm_job_id(job), id), attempt};

    snprintf(attempt, sizeof(attempt), "%u", tm_job_attempt(job));
    if (PQstatus(self->database) != CONNECTION_OK)
        PQreset(self->database);
    return PQexecParams(self->database, sql, 2, NULL, values, NULL, NULL, 0);
}

/* The lease is not ours, or the answer to the same words was lost before. */
static enum written
look(struct worker *self, const tm_job_t *job)
{
    PGresult *result = ask(self, was_it_me_sql, job);
    enum written written = PQresultStatus(result) != PGRES_TUPLES_OK ? UNKNOWN
                           : PQntuples(result) > 0                   ? WRITTEN
                                                                     : NOT_OURS;

    PQclear(result);
    return written;
}

static enum written
write_effect(struct worker *self, const tm_job_t *job)
{
    PGresult *result = ask(self, effect_sql, job);
    bool is_ok = PQresultStatus(result) == PGRES_TUPLES_OK;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool is_refused = state && strcmp(state, "TM001") == 0;

    PQclear(result);
    return is_ok ? WRITTEN : is_refused ? look(self, job) : UNKNOWN;
}

static void
end_by_effect(struct worker *self, struct held *held)
{
    switch (write_effect(self, held->job)) {
    case WRITTEN:
        tm_worker_done(self->tm, &held->job, true, "effect", 6);
        break;
    case NOT_OURS:
        tm_worker_fail(self->tm, &held->job, TM_LEASE_LOST, "another has it", true);
        break;
    case UNKNOWN: /* again, until it is known or the lease is lost */
        held->due_ms = chaos_ms() + AGAIN_MS;
        break;
    }
}

/* --- jobs --------------------------------------------------------------------------------- */

static int
overflow(volatile char *above, int depth)
{
    volatile char here[4096];

    here[0] = *above;
    return depth < 0 ? 0 : overflow(here, depth + 1) + here[0];
}

static void
crash(uint32_t attempt)
{
    volatile char top = 1;

    if (attempt % 3 == 0)
        abort();
    if (attempt % 3 == 1)
        _exit(overflow(&top, 1));
    _exit(3);
}

static void
have_children(struct worker *self, struct held *held)
{
    const struct kind *kind = kind_find("child", 5);
    struct tm_job_spec children[CHILDREN];

    for (size_t i = 0; i < CHILDREN; i++)
        children[i] = (struct tm_job_spec){.queue = kind->queue,
                                           .workspace = *tm_job_workspace(held->job),
                                           .max_attempts = kind->max_attempts,
                                           .body = "child ",
                                           .body_size = 6};
    tm_worker_done_with(
        self->tm, &held->job,
        &(struct tm_job_end){.jobs = children, .job_count = CHILDREN, .join = true});
}

static void
end_job(struct worker *self, struct held *held)
{
    char result[32];
    int size = snprintf(result, sizeof(result), "%u", tm_job_attempt(held->job));

    atomic_fetch_add(&self->shared->executed, 1);
    switch (held->kind->action) {
    case DO_EFFECT:
        end_by_effect(self, held);
        break;
    case DO_RETRY:
        if (tm_job_attempt(held->job) > RETRIES)
            tm_worker_done(self->tm, &held->job, false, result, (size_t)size);
        else
            tm_worker_fail(self->tm, &held->job, TM_JOB_FAILED, "not yet", true);
        break;
    case DO_PARENT:
        if (tm_job_is_join(held->job))
            tm_worker_done(self->tm, &held->job, false, result, (size_t)size);
        else
            have_children(self, held);
        break;
    case DO_FAIL:
        tm_worker_fail(self->tm, &held->job, TM_DATA_PARSE_FAILED, "never", false);
        break;
    case DO_CRASH:
        atomic_fetch_add(&self->shared->crashes, 1);
        crash(tm_job_attempt(held->job));
        break;
    case DO_DONE:
    case DO_HANG:
    case DO_CANCEL:
        tm_worker_done(self->tm, &held->job, false, result, (size_t)size);
        break;
    }
}

static void
begin(struct worker *self, tm_job_t *job)
{
    const struct kind *kind = kind_of(job);
    size_t at = 0;

    journal_run(self->journal, tm_job_id(job), tm_job_attempt(job));
    if (!kind) {
        tm_worker_fail(self->tm, &job, TM_BAD_REQUEST, "no such kind", false);
        return;
    }
    while (at < CREDIT && self->held[at].job)
        at++;
    if (at == CREDIT)
        abort(); /* more than was asked for */
    self->held[at] = (struct held){job, kind, chaos_ms() + kind->run_ms};
    if (kind->action == DO_HANG || kind->action == DO_CANCEL)
        self->held[at].due_ms = INT64_MAX;
}

static void
check(struct worker *self, struct held *held, int64_t now_ms)
{
    if (tm_job_is_dropped(held->job) || tm_job_is_canceled(held->job))
        tm_worker_fail(self->tm, &held->job, TM_CANCELED, "as asked", false);
    else if (held->due_ms <= now_ms)
        end_job(self, held);
}

static size_t
check_all(struct worker *self)
{
    int64_t now_ms = chaos_ms();
    size_t count = 0;

    for (size_t i = 0; i < CREDIT; i++) {
        if (self->held[i].job)
            check(self, &self->held[i], now_ms);
        count += self->held[i].job != NULL;
    }
    return count;
}

/* Drained, it takes no more, ends what it has or gives it back, and leaves. */
static void
work(struct worker *self)
{
    size_t count = 0;
    bool is_draining = false;

    while (!is_draining) {
        tm_job_t *job = NULL;
        tm_err_t err = tm_worker_next(self->tm, count > 0 ? POLL_MS : IDLE_MS, &job);

        if (is_leaving)
            tm_worker_drain(self->tm);
        if (!err)
            begin(self, job);
        is_draining = err == TM_DRAINING && is_leaving;
        count = check_all(self);
    }
}

int
worker_main(const char *directory, unsigned index)
{
    static struct worker self;
    struct tm_worker_options options = {.actor = "chaos", .queues = "a,b", .credit = CREDIT};
    struct rlimit no_core = {0, 0};
    struct sigaction action = {.sa_handler = on_signal};

    setrlimit(RLIMIT_CORE, &no_core);
    zsys_handler_set(NULL);
    sigaction(SIGTERM, &action, NULL);
    self.shared = chaos_shared(directory);
    self.journal = journal_open(directory, "worker", index);
    self.database = PQconnectdb(self.shared->worker_database);
    options.brokers = self.shared->worker_endpoints;
    self.tm = tm_worker_new(&options);
    if (!self.tm)
        return 1;
    work(&self);
    tm_worker_destroy(&self.tm);
    PQfinish(self.database);
    return 0;
}
