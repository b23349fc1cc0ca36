#include "actors/tune/replay_server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/kit/clock.h"
#include "actors/kit/log.h"
#include "actors/kit/sentry.h"
#include "actors/kit/wire.h"
#include "actors/tune/replay.h"
#include "proto/worker.h"

enum { NICENESS = 10 };

struct replay_server {
    tm_worker_t *worker;
    replay_t *replay;
    pthread_t thread;
};

static void
answer(replay_server_t *self, tm_job_t **job_p)
{
    char detail[TUNE_DETAIL_BYTES], *text = NULL;
    int64_t started_us = clock_us();
    traceparent_t trace;
    tm_err_t err;

    traceparent_follow(tm_job_traceparent(*job_p), &trace);
    log_trace(&trace);
    err = replay_answer(self->replay, tm_job_body(*job_p), &text, detail);

    log_debug("backtest.answered", "code=%s took_us=%lld", tm_err_name(err),
              (long long)(clock_us() - started_us));
    if (err)
        tm_worker_fail(self->worker, job_p, err, detail[0] ? detail : tm_err_text(err),
                       tm_err_retryable(err));
    else
        tm_worker_done(self->worker, job_p, false, text, strlen(text));
    free(text);
    sentry_transaction(&(struct sentry_transaction){.name = "call " BACKTEST_SERVICE,
                                                    .source = "task",
                                                    .op = "rpc.server",
                                                    .http = tm_err_http(err),
                                                    .trace = &trace,
                                                    .took_us = clock_us() - started_us});
    log_trace(NULL);
}

static void *
serve(void *arg)
{
    replay_server_t *self = arg;
    tm_job_t *job = NULL;

    if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS))
        log_debug("backtest.not_nice", "errno=%d", errno);
    while (tm_worker_next(self->worker, -1, &job) == TM_OK)
        answer(self, &job);
    return NULL;
}

replay_server_t *
replay_server_new(const settings_t *settings, meters_t *meters)
{
    struct tm_worker_options options = {.brokers = settings->broker_brokers,
                                        .actor = BACKTEST_SERVICE,
                                        .services = BACKTEST_SERVICE,
                                        .software = TM_VERSION,
                                        .calls = 1,
                                        .curve = wire_curve(settings)};
    replay_server_t *self = zmalloc(sizeof(*self));

    self->replay = replay_new(settings, meters);
    self->worker = tm_worker_new(&options);
    if (self->worker && pthread_create(&self->thread, NULL, serve, self) == 0)
        return self;
    tm_worker_destroy(&self->worker);
    replay_destroy(&self->replay);
    free(self);
    return NULL;
}

void
replay_server_destroy(replay_server_t **self_p)
{
    replay_server_t *self = *self_p;

    if (!self)
        return;
    tm_worker_drain(self->worker);
    pthread_join(self->thread, NULL);
    tm_worker_destroy(&self->worker);
    replay_destroy(&self->replay);
    free(self);
    *self_p = NULL;
}
