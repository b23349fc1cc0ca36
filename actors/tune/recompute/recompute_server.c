/* The way of one question. One that the cache knows ends with the first step; for any other
 * there is a flight, which the same question joins while it lasts:
 *
 *   take       the cache has it, and it was looked up lately
 *   look_up    PostgreSQL: where is it, and which version is it?
 *   go_on      the cache has that version; else the pool computes it
 *   on_ended   it was computed. If that took long, others may have joined late: for them it is
 *              looked up once more
 */
#include "actors/tune/recompute/recompute_server.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/pg/pg_settings.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/util/lru.h"
#include "actors/kit/util/single_flight.h"
#include "actors/kit/sentry/sentry.h"
#include "actors/kit/runtime/broker_settings.h"
#include "actors/tune/recompute/recompute_pool.h"
#include "actors/tune/store/statements.def"
#include "proto/worker.h"

enum {
    CALLS = 256, /* at once; a broker keeps what is more */
    VERSION = 32,
};

enum { LOOK_UP_STATEMENTS(PG_STATEMENT_ID) STMT_COUNT };
static const struct pg_statement statements[] = {LOOK_UP_STATEMENTS(PG_STATEMENT_ROW)};

/* An answer is found by who asks, for which run, and in how many points. */
struct answer_key {
    tm_uuid_t workspace, run;
    uint32_t points;
};
static_assert(sizeof(struct answer_key) == 36, "there is padding in it");

typedef struct answer {
    struct lru_link link;
    struct answer_key key;
    char version[VERSION]; /* of the rows it was made from */
    int64_t seen_ms;       /* when they were last seen to have it */
    char *text;
    size_t size;
} answer_t;

struct recompute_server {
    const settings_t *settings;
    meters_t *meters;
    loop_t *loop;
    pg_t *pg;
    tm_worker_t *worker; /* NULL: the database was not there yet */
    lru_t *cache;        /* of answer_t */
    recompute_pool_t *pool;
    single_flight_t *flights;
    bool is_ending;
};

struct pending_call {
    struct recompute_task task; /* first: so the pool gives back the visit */
    struct flight flight;       /* what waits are jobs */
    recompute_server_t *server;
    struct answer_key key;
    char version[VERSION];
    int64_t seen_ms, started_us;
    bool is_computing;
};
typedef struct pending_call pending_call_t;

static pending_call_t *
call_of(struct flight *flight)
{
    return flight
               ? (pending_call_t *)(void *)((char *)flight - offsetof(pending_call_t, flight))
               : NULL;
}

/* --- keeping answers ---------------------------------------------------------------------- */

static void
free_answer(void **item_p)
{
    answer_t *answer = *item_p;

    free(answer->text);
    free(answer);
    *item_p = NULL;
}

/* One larger than the whole cache would only drive out the others. */
static void
keep(const pending_call_t *call, char **text_p)
{
    const size_t size = strlen(*text_p), cost = sizeof(answer_t) + size + 1;
    answer_t *answer;

    if (cost > (size_t)call->server->settings->tune_answer_cache_mb << 20) {
        lru_drop(call->server->cache, &call->key);
        return;
    }
    answer = zmalloc(sizeof(*answer));
    *answer =
        (answer_t){.key = call->key, .seen_ms = call->seen_ms, .text = *text_p, .size = size};
    memcpy(answer->version, call->version, sizeof(answer->version));
    *text_p = NULL;
    lru_put(call->server->cache, answer, cost);
}

/* --- answering ---------------------------------------------------------------------------- */

static void
count(const recompute_server_t *self, const char *source, size_t n)
{
    meters_add(self->meters, METRIC_BACKTESTS, source, n);
}

static void
tell(const traceparent_t *trace, tm_err_t err, int64_t started_us)
{
    sentry_transaction(&(struct sentry_transaction){.name = "call " BACKTEST_SERVICE,
                                                    .source = "task",
                                                    .op = "rpc.server",
                                                    .http = tm_err_http(err),
                                                    .trace = trace,
                                                    .took_us = clock_us() - started_us});
}

struct ending {
    tm_worker_t *worker;
    tm_err_t err;
    const char *text; /* the answer, or why there is none */
};

static void
end_job(void *waiter, void *arg)
{
    const struct ending *ending = arg;
    tm_job_t *job = waiter;

    if (ending->err)
        tm_worker_fail(ending->worker, &job, ending->err, ending->text,
                       tm_err_retryable(ending->err));
    else
        tm_worker_done(ending->worker, &job, false, ending->text, strlen(ending->text));
}

static void
end(pending_call_t *self, const char *source, tm_err_t err, const char *text)
{
    struct ending ending = {self->server->worker, err, text};

    count(self->server, source, self->flight.count);
    single_flight_end(self->server->flights, &self->flight, end_job, &ending);
    tell(&self->task.trace, err, self->started_us);
    if (text == self->task.answer.text && self->task.answer.is_lasting)
        keep(self, &self->task.answer.text);
    free(self->task.answer.text);
    free(self);
}

static void
fail(pending_call_t *self, tm_err_t err, const char *detail)
{
    end(self, "failed", err, detail[0] ? detail : tm_err_text(err));
}

static void
give_computed(pending_call_t *self)
{
    end(self, "computed", TM_OK, self->task.answer.text);
}

/* --- looking up --------------------------------------------------------------------------- */

/* row: RUN_FIND's */
static void
compute(pending_call_t *self, const PGresult *row)
{
    free(self->task.answer.text);
    self->task.answer.text = NULL;
    self->task.call = (struct backtest_call){.workspace = self->key.workspace,
                                             .tune = pg_get_uuid(row, 0, 1),
                                             .trial = (uint32_t)pg_get_i64(row, 0, 2),
                                             .points = self->key.points};
    if (tm_uuid_is_nil(&self->task.call.tune))
        self->task.call.run = self->key.run;
    snprintf(self->version, sizeof(self->version), "%s", pg_get(row, 0, 3));
    self->is_computing = true;
    recompute_pool_add(self->server->pool, &self->task);
}

static void
go_on(pending_call_t *self, const PGresult *row)
{
    answer_t *answer = lru_find(self->server->cache, &self->key);
    const char *version = pg_get(row, 0, 3);

    if (self->task.answer.text && strcmp(self->version, version) == 0) {
        give_computed(self);
    } else if (answer && strcmp(answer->version, version) == 0) {
        answer->seen_ms = self->seen_ms;
        end(self, "checked", TM_OK, answer->text);
    } else {
        compute(self, row);
    }
}

static void
not_found(pending_call_t *self, tm_err_t err)
{
    lru_drop(self->server->cache, &self->key);
    fail(self, err, "");
}

static void
on_found(void *arg, const struct pg_outcome *outcome)
{
    pending_call_t *self = arg;
    const PGresult *row = outcome->err ? NULL : outcome->results[0];

    if (!row)
        fail(self, outcome->err, "");
    else if (!pg_get_bool(row, 0, 0))
        not_found(self, TM_WORKSPACE_NOT_FOUND);
    else if (!pg_get(row, 0, 3))
        not_found(self, TM_RUN_NOT_FOUND);
    else
        go_on(self, row);
}

static void
look_up(pending_call_t *self)
{
    pg_unit_t *unit = pg_unit_new(self->server->pg);

    self->seen_ms = clock_ms();
    pg_add(unit, STMT_RUN_FIND);
    pg_uuid(unit, &self->key.workspace);
    pg_uuid(unit, &self->key.run);
    pg_send(&unit, on_found, self);
}

static bool
is_fresh(int64_t seen_ms)
{
    return clock_ms() - seen_ms < RECOMPUTE_FRESH_MS;
}

static void
on_ended(void *arg)
{
    recompute_server_t *self = arg;
    pending_call_t *visit;

    while ((visit = (pending_call_t *)recompute_pool_take(self->pool))) {
        visit->is_computing = false;
        log_trace(&visit->task.trace);
        if (visit->task.err)
            fail(visit, visit->task.err, visit->task.detail);
        else if (visit->task.answer.is_lasting && !is_fresh(visit->seen_ms))
            look_up(visit);
        else
            give_computed(visit);
    }
}

/* --- questions ---------------------------------------------------------------------------- */

static void
join(pending_call_t *self, tm_job_t *job, int64_t deadline_ms)
{
    flight_join(&self->flight, job);
    if (self->is_computing)
        recompute_pool_extend(self->server->pool, &self->task, deadline_ms);
    else if (self->task.deadline_ms < deadline_ms)
        self->task.deadline_ms = deadline_ms;
}

static void
visit(recompute_server_t *self, const struct answer_key *key, tm_job_t *job)
{
    const int64_t deadline_ms = clock_ms() + (int64_t)tm_job_timeout_ms(job);
    pending_call_t *visit = call_of(single_flight_find(self->flights, key, NULL, NULL));

    if (visit) {
        join(visit, job, deadline_ms);
        return;
    }
    visit = zmalloc(sizeof(*visit));
    visit->server = self;
    visit->key = *key;
    visit->started_us = clock_us();
    traceparent_follow(tm_job_traceparent(job), &visit->task.trace);
    log_trace(&visit->task.trace);
    single_flight_begin(self->flights, &visit->flight, &visit->key);
    join(visit, job, deadline_ms);
    look_up(visit);
}

/* A trial's run has an id that follows from its tune's. */
static struct answer_key
key_of(const struct backtest_call *call)
{
    const bool is_trial = tm_uuid_is_nil(&call->run);

    return (struct answer_key){.workspace = call->workspace,
                               .run =
                                   is_trial ? tune_run_id(&call->tune, call->trial) : call->run,
                               .points = call->points};
}

/* A call that was answered at once. */
static void
tell_of(const tm_job_t *job)
{
    traceparent_t trace;

    traceparent_follow(tm_job_traceparent(job), &trace);
    tell(&trace, TM_OK, clock_us());
}

static void
take(recompute_server_t *self, tm_job_t *job)
{
    const tm_str_t question = tm_job_body(job);
    struct backtest_call call;
    struct answer_key key;
    const answer_t *answer;
    char what[BACKTEST_CALL_WHY];

    if (backtest_call_parse(question.data, question.size, &call, what)) {
        count(self, "failed", 1);
        tm_worker_fail(self->worker, &job, TM_BAD_REQUEST, what, false);
        return;
    }
    key = key_of(&call);
    answer = lru_find(self->cache, &key);
    if (!answer || !is_fresh(answer->seen_ms)) {
        visit(self, &key, job);
        return;
    }
    count(self, "cached", 1);
    if (sentry_is_on())
        tell_of(job);
    tm_worker_done(self->worker, &job, false, answer->text, answer->size);
}

static void
on_calls(void *arg)
{
    recompute_server_t *self = arg;
    tm_job_t *job = NULL;

    while (tm_worker_next(self->worker, 0, &job) == TM_OK)
        take(self, job);
}

/* --- opening and ending ------------------------------------------------------------------- */

/* Nobody is told of us before runs can be found. */
static void
on_up(void *arg)
{
    recompute_server_t *self = arg;
    const struct tm_worker_options options = {.brokers = self->settings->broker_brokers,
                                              .actor = "backtest",
                                              .services = BACKTEST_SERVICE,
                                              .software = TM_VERSION,
                                              .calls = CALLS,
                                              .curve = broker_settings_curve(self->settings)};

    if (self->worker || self->is_ending)
        return;
    self->worker = tm_worker_new(&options);
    if (self->worker)
        tm_worker_attach(self->worker, loop_zloop(self->loop), on_calls, self);
    else
        broker_settings_complain(self->settings, "backtest.bad_brokers");
}

recompute_server_t *
recompute_server_new(loop_t *loop, const settings_t *settings, meters_t *meters)
{
    recompute_server_t *self = zmalloc(sizeof(*self));
    struct pg_options options = pg_settings_options(settings, meters, "tunemill backtest");

    self->loop = loop;
    self->settings = settings;
    self->meters = meters;
    self->pool = recompute_pool_new(settings, meters);
    if (!self->pool) {
        free(self);
        return NULL;
    }
    self->flights = single_flight_new(sizeof(struct answer_key));
    self->cache = lru_new(sizeof(struct answer_key),
                          (size_t)settings->tune_answer_cache_mb << 20, free_answer);
    loop_fd(loop, recompute_pool_fd(self->pool), ZMQ_POLLIN, on_ended, self);
    options.statements = statements;
    options.statement_count = STMT_COUNT;
    options.connections = 1;
    options.on_up = on_up;
    options.arg = self;
    self->pg = pg_new(loop, &options);
    return self;
}

void
recompute_server_drain(recompute_server_t *self)
{
    if (self->is_ending)
        return;
    self->is_ending = true;
    if (self->worker)
        tm_worker_drain(self->worker);
    recompute_pool_close(self->pool);
}

size_t
recompute_server_pending(const recompute_server_t *self)
{
    return single_flight_count(self->flights);
}

/* What is still looked up fails with the connection, and what is computed ends with the pool.
 */
void
recompute_server_destroy(recompute_server_t **self_p)
{
    recompute_server_t *self = *self_p;
    struct flight *flight;

    if (!self)
        return;
    self->is_ending = true;
    pg_destroy(&self->pg);
    loop_fd_end(self->loop, recompute_pool_fd(self->pool));
    recompute_pool_destroy(&self->pool);
    while ((flight = single_flight_next(self->flights, NULL)))
        fail(call_of(flight), TM_DRAINING, "");
    tm_worker_destroy(&self->worker);
    lru_destroy(&self->cache);
    single_flight_destroy(&self->flights);
    free(self);
    *self_p = NULL;
}
