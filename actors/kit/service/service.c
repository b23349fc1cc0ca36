#include "actors/kit/service/service.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actors/kit/pg/pg_settings.h"
#include "actors/kit/runtime/broker_settings.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"
#include "actors/kit/util/clock.h"

enum { DRAIN_TICK_MS = 20, REFUSAL_TICK_MS = 1000 };

enum thread_state { THREAD_NONE, THREAD_RUNS, THREAD_ENDED };

struct service_frame {
    service_t service;
    const struct service_type *type;
    void *state;
    int ready_fd; /* -1: said, or none */
    int64_t started_ms;
    bool was_started, was_ready;
    bool is_asking;   /* for the lead */
    tm_err_t err;     /* what service_run returns */
    tm_err_t refusal; /* as last logged */
    int64_t end_ms;   /* of draining */
    bool is_cut;
    enum thread_state thread_state;
    pthread_t thread;
    int thread_fd;              /* readable when the thread has ended */
    atomic_bool is_thread_told; /* to end */
};
typedef struct service_frame frame_t;

/* NAME.what */
static const char *
event_of(const frame_t *self, const char *what, char buffer[64])
{
    snprintf(buffer, 64, "%s.%s", self->type->name, what);
    return buffer;
}

static void
complain_of_brokers(const frame_t *self)
{
    char event[64];

    broker_settings_complain(self->service.settings, event_of(self, "bad_brokers", event));
}

void
service_ready(service_t *service, const char *line)
{
    frame_t *self = service->frame;
    char event[64];

    if (self->ready_fd >= 0 && dprintf(self->ready_fd, "%s\n", line) < 0)
        log_warn(event_of(self, "ready_unheard", event), "errno=%d", errno);
    self->ready_fd = -1;
}

/* It is of use, as far as the frame can see. */
static void
be_ready(frame_t *self)
{
    char event[64];

    if (self->was_ready || self->type->says_ready)
        return;
    self->was_ready = true;
    log_info(event_of(self, "ready", event), "ms=%lld",
             (long long)(clock_ms() - self->started_ms));
    service_ready(&self->service, "ready");
}

void
service_end(service_t *service, tm_err_t err)
{
    service->frame->err = err;
    loop_stop(service->loop);
}

static bool
is_worker(const frame_t *self)
{
    return self->type->worker.queues || self->type->worker.services;
}

static void
on_jobs(void *arg)
{
    frame_t *self = arg;
    tm_job_t *job = NULL;

    while (tm_worker_next(self->service.worker, 0, &job) == TM_OK)
        self->type->job(self->state, &job);
    log_trace(NULL);
}

static void
on_refusal_tick(void *arg)
{
    frame_t *self = arg;
    const struct tm_worker_options *options = &self->service.worker_options;
    tm_err_t refusal = tm_worker_refusal(self->service.worker);
    char event[64];

    if (refusal && refusal != self->refusal)
        log_error(event_of(self, "refused", event),
                  "code=%s what=\"a broker gives this worker no jobs: its certificate does not "
                  "allow the %s %s\"",
                  tm_err_name(refusal), options->queues ? "queue" : "service",
                  options->queues ? options->queues : options->services);
    self->refusal = refusal;
}

static tm_err_t
open_worker(frame_t *self)
{
    service_t *service = &self->service;
    struct tm_worker_options *options = &service->worker_options;

    options->brokers = service->settings->broker_brokers;
    options->curve = broker_settings_curve(service->settings);
    options->software = TM_VERSION;
    options->actor = options->actor ? options->actor : self->type->name;
    service->worker = tm_worker_new(options);
    if (!service->worker) {
        complain_of_brokers(self);
        return TM_BAD_SETTING;
    }
    loop_timer(service->loop, REFUSAL_TICK_MS, true, on_refusal_tick, self);
    if (!self->type->on_thread)
        tm_worker_attach(service->worker, loop_zloop(service->loop), on_jobs, self);
    return TM_OK;
}

static void
on_lead(void *arg, const struct pg_outcome *outcome)
{
    frame_t *self = arg;

    self->is_asking = false;
    if (outcome->err || !pg_get_bool(outcome->results[0], 0, 0))
        return;
    self->service.leads = true;
    if (self->type->lead)
        self->type->lead(self->state);
}

static void
ask_for_lead(frame_t *self)
{
    pg_unit_t *unit;

    if (self->is_asking)
        return;
    self->is_asking = true;
    unit = pg_unit_new(self->service.pg);
    pg_add(unit, self->type->lead_statement);
    pg_send(&unit, on_lead, self);
}

static void
on_tick(void *arg)
{
    frame_t *self = arg;

    if (self->service.is_draining || (self->service.pg && !pg_is_up(self->service.pg)))
        return;
    if (self->type->stands_by && !self->service.leads)
        ask_for_lead(self);
    else if (self->type->tick)
        self->type->tick(self->state);
}

/* Nobody is told of a worker before it can work. */
static void
on_up(void *arg)
{
    frame_t *self = arg;
    const struct service_type *type = self->type;
    tm_err_t err = TM_OK;

    if (type->up)
        type->up(self->state);
    if (is_worker(self) && !self->service.worker && !self->service.is_draining)
        err = open_worker(self);
    if (err)
        service_end(&self->service, err);
    else if (!type->database.listen)
        be_ready(self);
    if (!err && self->service.tick_ms > 0)
        on_tick(self);
}

/* The session is gone, and its locks with it. */
static void
on_down(void *arg)
{
    frame_t *self = arg;
    bool led = self->service.leads;

    self->service.leads = false;
    if (led && self->type->resign)
        self->type->resign(self->state);
    if (self->type->down)
        self->type->down(self->state);
}

static void
on_notify(void *arg, const char *payload)
{
    frame_t *self = arg;

    be_ready(self);
    if (self->type->notify)
        self->type->notify(self->state, payload);
}

static pg_t *
open_pool(frame_t *self)
{
    const service_t *service = &self->service;
    const struct service_database *database = &self->type->database;
    struct pg_options options =
        pg_settings_options(service->settings, service->meters, database->application);

    options.session = database->session;
    options.statements = database->statements;
    options.statement_count = database->statement_count;
    if (database->connections)
        options.connections = database->connections;
    options.listen = database->listen;
    options.on_up = on_up;
    options.on_down = on_down;
    options.on_notify = on_notify;
    options.arg = self;
    return pg_new(service->loop, &options);
}

static bool
is_drained(const frame_t *self)
{
    return !self->type->is_drained || self->type->is_drained(self->state);
}

static void
on_drain_tick(void *arg)
{
    frame_t *self = arg;
    bool is_over = clock_ms() >= self->end_ms;

    if (is_over && !self->is_cut && self->type->cut) {
        self->is_cut = true;
        self->end_ms = clock_ms() + self->type->cut_ms;
        self->type->cut(self->state);
        is_over = self->type->cut_ms == 0;
    }
    if (is_over || is_drained(self))
        loop_stop(self->service.loop);
}

static void
begin_drain(frame_t *self)
{
    self->end_ms = clock_ms() + self->type->drain_ms;
    if (self->type->drain_ms > 0)
        loop_timer(self->service.loop, DRAIN_TICK_MS, true, on_drain_tick, self);
    else
        loop_stop(self->service.loop);
}

static void
tell_thread(frame_t *self)
{
    atomic_store(&self->is_thread_told, true);
    tm_worker_drain(self->service.worker);
}

static void
on_drain(void *arg)
{
    frame_t *self = arg;
    char event[64];

    log_info(event_of(self, "draining", event), "signal=%d", loop_signal(self->service.loop));
    self->service.is_draining = true;
    if (self->type->drain)
        self->type->drain(self->state);
    if (self->thread_state == THREAD_RUNS)
        tell_thread(self);
    else if (self->service.worker)
        tm_worker_drain(self->service.worker);
    if (self->thread_state != THREAD_RUNS)
        begin_drain(self);
}

static void *
work(void *arg)
{
    frame_t *self = arg;
    const uint64_t one = 1;
    tm_job_t *job = NULL;

    do {
        while (tm_worker_next(self->service.worker, -1, &job) == TM_OK)
            self->type->job(self->state, &job);
    } while (!atomic_load(&self->is_thread_told)); /* else it was a stray signal */
    if (write(self->thread_fd, &one, sizeof(one)) < 0)
        log_error("service.thread_unheard", "errno=%d", errno);
    return NULL;
}

static void
join_thread(frame_t *self)
{
    pthread_join(self->thread, NULL);
    self->thread_state = THREAD_ENDED;
}

static void
on_thread_end(void *arg)
{
    frame_t *self = arg;

    loop_fd_end(self->service.loop, self->thread_fd);
    join_thread(self);
    begin_drain(self);
}

static tm_err_t
start_thread(frame_t *self)
{
    sigset_t all, before;

    self->thread_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->thread_fd < 0)
        return TM_NO_MEMORY;
    loop_fd(self->service.loop, self->thread_fd, ZMQ_POLLIN, on_thread_end, self);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&self->thread, NULL, work, self) == 0)
        self->thread_state = THREAD_RUNS;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return self->thread_state == THREAD_RUNS ? TM_OK : TM_NO_MEMORY;
}

/* The loop has ended. With a job still on the thread it was the second signal. */
static void
end_thread(frame_t *self)
{
    int number = loop_signal(self->service.loop);
    char event[64];

    if (self->thread_state != THREAD_RUNS)
        return;
    if (self->service.is_draining) {
        log_warn(event_of(self, "killed", event), "signal=%d", number);
        _exit(128 + number);
    }
    tell_thread(self);
    join_thread(self);
}

static tm_err_t
open_reports(frame_t *self)
{
    service_t *service = &self->service;

    if (self->type->metrics == SERVICE_UNREPORTED)
        return TM_OK;
    service->federation = federation_new(service->loop, service->settings, service->meters,
                                         self->type->metrics == SERVICE_WATCHES);
    if (service->federation)
        return TM_OK;
    complain_of_brokers(self);
    return self->type->works_unheard ? TM_OK : TM_BAD_SETTING;
}

/* A worker end whose jobs come on the loop waits for the database. */
static tm_err_t
open_all(frame_t *self)
{
    service_t *service = &self->service;
    const struct service_type *type = self->type;
    const bool has_pool = type->database.application;
    tm_err_t err = open_reports(self);

    if (!err && has_pool && !(service->pg = open_pool(self)))
        err = TM_BAD_SETTING;
    if (err)
        return err;
    self->was_started = true;
    if (type->start)
        err = type->start(self->state, service);
    if (!err && is_worker(self) && (type->on_thread || !has_pool))
        err = open_worker(self);
    if (!err && type->on_thread)
        err = start_thread(self);
    if (!err && self->service.tick_ms > 0)
        loop_timer(service->loop, (uint32_t)self->service.tick_ms, true, on_tick, self);
    if (!err && !has_pool)
        be_ready(self);
    return err;
}

/* The pool first: its callbacks answer what waits for it, with all else still there. */
static void
close_all(frame_t *self)
{
    service_t *service = &self->service;

    pg_destroy(&service->pg);
    if (self->was_started && self->type->fini)
        self->type->fini(self->state);
    tm_worker_destroy(&service->worker);
    federation_destroy(&service->federation);
    loop_destroy(&service->loop);
    if (self->thread_fd >= 0)
        close(self->thread_fd);
}

static tm_err_t
run(frame_t *self)
{
    service_t *service = &self->service;
    char event[64];
    tm_err_t err;

    service->loop = loop_new();
    loop_signals(service->loop, on_drain, self);
    err = open_all(self);
    if (!err) {
        loop_run(service->loop);
        end_thread(self);
        if (self->type->stop)
            self->type->stop(self->state);
        err = self->err;
        log_info(event_of(self, "stopped", event), "code=%s", tm_err_name(err));
    }
    close_all(self);
    return err;
}

tm_err_t
service_run(const struct service_type *type, const struct service_options *options)
{
    meters_t *own = options->meters ? NULL : meters_new(type->name);
    frame_t self = {
        .type = type, .ready_fd = options->ready_fd, .thread_fd = -1, .started_ms = clock_ms()};
    tm_err_t err;

    self.service = (service_t){.settings = options->settings,
                               .given = options->given,
                               .meters = own ? own : options->meters,
                               .worker_options = type->worker,
                               .tick_ms = type->tick_ms,
                               .frame = &self};
    if (type->state_size) {
        self.state = zmalloc(type->state_size);
        *(service_t **)self.state = &self.service;
    }
    sentry_start(options->settings, type->name);
    sentry_count(self.service.meters);
    err = run(&self);
    sentry_count(NULL);
    sentry_stop();
    meters_destroy(&own);
    free(self.state);
    return err;
}
