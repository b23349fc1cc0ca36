/* Producers and workers are processes, forked before any of them touches ZeroMQ. They share one
 * piece of memory: a barrier that starts them together, the time of the first submit and the
 * last completion, and a count for each job of how often a worker saw it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "ops/bench/bench.h"
#include "proto/client.h"
#include "proto/worker.h"

#define WARM_JOBS  200 /* of a latency run: not counted */
#define GIVE_UP_MS 60000

struct shared {
    pthread_barrier_t start;
    _Atomic long long seen, repeats, failed;
    _Atomic double began, ended; /* the least and the greatest */
    _Atomic unsigned char times_seen[];
};

struct run {
    const struct bench_world *world;
    const struct bench_options *options;
    struct bench_load *load;
    struct shared *shared;
    long long jobs; /* in all */
    double *latency_ms;
};

static void
note(_Atomic double *mark, double at, bool is_least)
{
    double seen = atomic_load(mark);

    while ((seen == 0 || (is_least ? at < seen : at > seen)) &&
           !atomic_compare_exchange_weak(mark, &seen, at))
        continue;
}

/* --- producer ----------------------------------------------------------------------------- */

struct producer {
    struct run *run;
    tm_client_t *client;
    long long acknowledged, ended;
};

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    struct producer *self = arg;

    self->acknowledged++;
    if (answer->err) {
        atomic_fetch_add(&self->run->shared->failed, 1);
        fprintf(stderr, "tunemill bench: a submit was refused: %s\n", answer->detail);
    }
}

static void
on_result(void *arg, const struct tm_result *result, tm_str_t body)
{
    struct producer *self = arg;

    (void)result, (void)body;
    self->ended++;
}

static tm_err_t
submit(struct producer *self, char *body, long long number, bool watch)
{
    struct tm_job_spec spec = {.queue = BENCH_QUEUE,
                               .workspace = {{[15] = 1}},
                               .watch = watch,
                               .body = body,
                               .body_size = (size_t)self->run->options->payload};

    memcpy(body, &number, sizeof number);
    return tm_client_submit(self->client, &spec, on_answer, self);
}

static bool
wait_on(struct producer *self)
{
    return tm_client_wait(self->client, GIVE_UP_MS) == TM_OK;
}

/* Jobs first, first + step, ... below the number of jobs. */
static bool
submit_all(struct producer *self, char *body, long long first, long long step)
{
    long long sent = 0, at = first;

    while (at < self->run->jobs || self->acknowledged < sent) {
        while (at < self->run->jobs && submit(self, body, at, false) == TM_OK) {
            at += step;
            sent++;
        }
        if (!wait_on(self))
            return false;
    }
    return true;
}

static bool
submit_one_by_one(struct producer *self, char *body)
{
    for (long long at = 0; at < self->run->jobs; at++) {
        double before = bench_now();
        long long ended = self->ended;

        if (submit(self, body, at, true) != TM_OK)
            return false;
        while (self->ended == ended)
            if (!wait_on(self))
                return false;
        if (at >= WARM_JOBS)
            self->run->latency_ms[at - WARM_JOBS] = (bench_now() - before) * 1e3;
    }
    return true;
}

static bool
be_producer(struct run *run, long long index)
{
    long long share = run->options->window / run->load->producers;
    struct tm_client_options options = {.brokers = run->world->broker,
                                        .window = (uint32_t)(share > 0 ? share : 1)};
    struct producer self = {.run = run, .client = tm_client_new(&options)};
    char *body = calloc(1, (size_t)run->options->payload + sizeof(long long));
    bool is_ok = self.client && body;

    memset(body, 'x', (size_t)run->options->payload);
    while (is_ok && !tm_client_is_connected(self.client))
        is_ok = tm_client_wait(self.client, 10) != TM_DRAINING;
    if (is_ok)
        tm_client_on_watch(self.client, NULL, on_result, &self);
    pthread_barrier_wait(&run->shared->start);
    note(&run->shared->began, bench_now(), true);
    if (is_ok && run->load->has_latency)
        is_ok = submit_one_by_one(&self, body);
    else if (is_ok)
        is_ok = submit_all(&self, body, index, run->load->producers);
    note(&run->shared->ended, bench_now(), false);
    tm_client_destroy(&self.client);
    free(body);
    return is_ok;
}

/* --- worker ------------------------------------------------------------------------------- */

static void
see(struct run *run, const tm_job_t *job)
{
    tm_str_t body = tm_job_body(job);
    long long number;

    memcpy(&number, body.data, sizeof number);
    if (number < 0 || number >= run->jobs)
        return;
    if (atomic_fetch_add(&run->shared->times_seen[number], 1) == 0)
        atomic_fetch_add(&run->shared->seen, 1);
    else
        atomic_fetch_add(&run->shared->repeats, 1);
}

static bool
be_worker(struct run *run)
{
    struct tm_worker_options options = {.brokers = run->world->broker,
                                        .actor = "bench",
                                        .queues = BENCH_QUEUE,
                                        .credit = (uint32_t)run->options->credit};
    tm_worker_t *worker;
    tm_job_t *job = NULL;
    bool is_alone = run->load->producers == 0; /* a drain: the clock starts with the worker */

    if (is_alone) {
        pthread_barrier_wait(&run->shared->start);
        note(&run->shared->began, bench_now(), true);
    }
    worker = tm_worker_new(&options);
    if (!is_alone)
        pthread_barrier_wait(&run->shared->start);
    while (worker && atomic_load(&run->shared->seen) < run->jobs) {
        if (tm_worker_next(worker, 20, &job) != TM_OK)
            continue;
        see(run, job);
        tm_worker_done(worker, &job, false, NULL, 0);
    }
    while (worker && tm_worker_pending(worker) > 0)
        usleep(500);
    note(&run->shared->ended, bench_now(), false);
    tm_worker_destroy(&worker);
    return true;
}

/* --- both --------------------------------------------------------------------------------- */

struct part {
    struct run *run;
    long long index; /* of the workers, and behind them the producers */
};

static bool
be_part(void *arg)
{
    const struct part *self = arg;
    long long workers = self->run->load->workers;

    return self->index < workers ? be_worker(self->run)
                                 : be_producer(self->run, self->index - workers);
}

static double
seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

static tm_err_t
run_all(struct run *run)
{
    long long count = run->load->producers + run->load->workers, started = 0;
    pid_t pids[512];
    bool is_ok = count <= 512;

    for (; is_ok && started < count; started++) {
        pids[started] = bench_fork(be_part, &(struct part){run, started});
        is_ok = pids[started] > 0;
    }
    for (long long i = 0; i < started; i++) {
        struct rusage used = {.ru_utime = {0}};
        int status = 1;
        if (!is_ok)
            kill(pids[i], SIGKILL);
        is_ok = wait4(pids[i], &status, 0, &used) == pids[i] && status == 0 && is_ok;
        run->load->client_seconds += seconds(&used.ru_utime) + seconds(&used.ru_stime);
    }
    return is_ok && atomic_load(&run->shared->failed) == 0 ? TM_OK : TM_INTERNAL;
}

tm_err_t
bench_load_run(const struct bench_world *world, const struct bench_options *options,
               struct bench_load *self)
{
    long long jobs = options->jobs + (self->has_latency ? WARM_JOBS : 0);
    size_t size = sizeof(struct shared) + (size_t)jobs;
    size_t latency_size = (size_t)jobs * sizeof(double);
    struct run run = {world, options, self, bench_share(size), jobs, bench_share(latency_size)};
    pthread_barrierattr_t attributes;
    tm_err_t err;

    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&run.shared->start, &attributes,
                         (unsigned)(self->producers + self->workers));
    err = run_all(&run);
    self->seconds = atomic_load(&run.shared->ended) - atomic_load(&run.shared->began);
    self->repeats = atomic_load(&run.shared->repeats);
    if (self->has_latency && !err)
        memcpy(self->latency_ms, run.latency_ms, (size_t)options->jobs * sizeof(double));
    munmap(run.shared, size);
    munmap(run.latency_ms, latency_size);
    return err;
}
