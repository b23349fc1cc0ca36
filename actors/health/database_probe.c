#include <stdio.h>
#include <string.h>

#include "actors/health/probes_inner.h"
#include "actors/kit/pg/pg_settings.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/util/clock.h"

enum { COMPONENT_NONE = COMPONENT_COUNT, EASE = 10 };

static const struct pg_statement statements[] = {HEALTH_STATEMENTS(PG_STATEMENT_ROW)};

typedef void read_fn(probes_t *probes, const PGresult *result, int64_t took_us);

static const struct kind {
    health_statement_t statement;
    read_fn *read;
    unsigned component;
    int64_t times;
    bool is_gauge;
} kinds[PROBE_COUNT] = {
#define P(NAME, read, COMPONENT, times, is_gauge) \
    {STMT_##NAME, read_##read, COMPONENT_##COMPONENT, times, is_gauge},
    DATABASE_PROBES(P)
#undef P
};

struct probe {
    database_t *database;
    const struct kind *kind;
    bool is_out, is_late;
    int64_t sent_us, due_ms; /* asked; not to be asked before */
    int timer, deadline;     /* 0: none */
};

struct database {
    probes_t *probes;
    pg_t *pulse, *figures;
    struct probe probes_of[PROBE_COUNT];
    bool is_asking_duty, has_answered; /* has_answered: whether it is ours was ever said */
    bool has_duty;
    bool is_asking_counts, is_ending;
    counts_fn *on_counts;
};

static void
miss(const struct probe *self, const char *what)
{
    const probes_t *probes = self->database->probes;

    if (self->kind->component == COMPONENT_NONE)
        return;
    components_miss(probes->world.board, (component_t)self->kind->component,
                    self->kind->component == COMPONENT_DATABASE ? HEALTH_ERROR : HEALTH_UNKNOWN,
                    what, clock_ms());
    if (self->kind->component == COMPONENT_DATABASE)
        probes_gauge(probes, METRIC_DB_UP, NULL, 0);
}

static void
miss_late(const struct probe *self)
{
    char text[100];

    snprintf(text, sizeof(text), "the database has not answered for %.1f s",
             (double)(clock_us() - self->sent_us) / 1e6);
    miss(self, text);
}

static void
on_deadline(void *arg)
{
    struct probe *self = arg;

    self->deadline = 0;
    self->is_late = true;
    miss_late(self);
}

static void
miss_failed(const struct probe *self, const struct pg_outcome *outcome)
{
    char text[100];

    if (outcome->err == TM_STORE_DOWN) {
        miss(self, "the database cannot be reached");
        return;
    }
    snprintf(text, sizeof(text), "the database refused to say (SQLSTATE %.5s)",
             outcome->sqlstate);
    miss(self, text);
}

/* A hang is over when it is over: what took longer than the deadline says nothing about the
 * next time. */
static int64_t
next_ms(const struct probe *self, int64_t took_ms)
{
    const int64_t most_ms = self->database->probes->world.settings->health_deadline_ms;

    if (self->kind->statement == STMT_PING)
        return 0;
    return clock_ms() + EASE * (took_ms < most_ms ? took_ms : most_ms);
}

static void
on_answer(void *arg, const struct pg_outcome *outcome)
{
    struct probe *self = arg;
    const int64_t took_us = clock_us() - self->sent_us;

    self->is_out = self->is_late = false;
    self->due_ms = next_ms(self, took_us / 1000);
    if (self->deadline)
        loop_timer_end(self->database->probes->world.loop, self->deadline);
    self->deadline = 0;
    if (outcome->err)
        miss_failed(self, outcome);
    else
        self->kind->read(self->database->probes, outcome->results[0], took_us);
}

static void
add_parameters(const probes_t *probes, health_statement_t statement, pg_unit_t *unit)
{
    pg_array_t *names;
    const char *name;
    json_t *value;

    if (statement == STMT_WORKERS)
        pg_i64(unit, probes->world.settings->broker_takeover_ms);
    if (statement != STMT_INGESTION)
        return;
    names = pg_array_new(PG_TEXT);
    json_object_foreach(probes->ingest_queues, name, value)
        pg_array_bytes(names, name, strlen(name));
    pg_array(unit, &names);
}

static void
ask(struct probe *self)
{
    database_t *database = self->database;
    const probes_t *probes = database->probes;
    pg_unit_t *unit =
        pg_unit_new(self->kind->statement == STMT_PING ? database->pulse : database->figures);

    self->is_out = true;
    self->sent_us = clock_us();
    self->deadline =
        loop_timer(probes->world.loop, (uint32_t)probes->world.settings->health_deadline_ms,
                   false, on_deadline, self);
    pg_add(unit, self->kind->statement);
    add_parameters(probes, self->kind->statement, unit);
    pg_send(&unit, on_answer, self);
}

static void
on_tick(void *arg)
{
    struct probe *self = arg;

    if (self->is_late)
        miss_late(self);
    if (!self->is_out && clock_ms() >= self->due_ms)
        ask(self);
}

static void
on_duty(void *arg, const struct pg_outcome *outcome)
{
    database_t *self = arg;

    self->is_asking_duty = false;
    if (outcome->err)
        return;
    if (!self->has_duty || !self->has_answered)
        self->has_duty = pg_get_bool(outcome->results[0], 0, 0);
    self->has_answered = true;
}

/* What was locked by a connection that is gone is not locked any more. */
static void
ask_duty(database_t *self)
{
    pg_unit_t *unit;

    if (!self->probes->world.is_gauging || self->is_asking_duty ||
        (self->has_answered && self->has_duty))
        return;
    self->is_asking_duty = true;
    unit = pg_unit_new(self->pulse);
    pg_add(unit, STMT_DUTY);
    pg_send(&unit, on_duty, self);
}

bool
database_has_duty(const database_t *self)
{
    return self->has_duty;
}

static void
on_kept(void *arg, const struct pg_outcome *outcome)
{
    (void)arg;
    if (outcome->err)
        log_debug("health.not_kept", "err=%s", tm_err_name(outcome->err));
}

bool
database_keep_count(database_t *self, const char *name, int64_t grown)
{
    pg_unit_t *unit;

    if (!self->probes->world.is_gauging)
        return true;
    if (!self->has_answered || !pg_is_up(self->figures))
        return false;
    if (!self->has_duty)
        return true;
    unit = pg_unit_new(self->figures);
    pg_add(unit, STMT_COUNT_GROWN);
    pg_text(unit, name);
    pg_i64(unit, grown);
    pg_send(&unit, on_kept, NULL);
    return true;
}

static void
on_counts(void *arg, const struct pg_outcome *outcome)
{
    database_t *self = arg;

    self->is_asking_counts = false;
    if (!self->is_ending)
        self->on_counts(self->probes, outcome->err ? NULL : outcome->results[0]);
}

void
database_ask_counts(database_t *self, counts_fn *fn)
{
    pg_unit_t *unit;

    if (self->is_asking_counts)
        return;
    self->is_asking_counts = true;
    self->on_counts = fn;
    unit = pg_unit_new(self->figures);
    pg_add(unit, STMT_COUNTS_OF_BEFORE);
    pg_send(&unit, on_counts, self);
}

static void
begin(database_t *self, bool is_pulse)
{
    for (size_t i = 0; i < PROBE_COUNT; i++)
        if (self->probes_of[i].timer && (i == PROBE_PING) == is_pulse)
            on_tick(&self->probes_of[i]);
}

static void
on_pulse_up(void *arg)
{
    database_t *self = arg;

    self->has_answered = false;
    ask_duty(self);
    begin(self, true);
}

static void
on_figures_up(void *arg)
{
    begin(arg, false);
}

static void
on_pulse(void *arg)
{
    struct probe *self = arg;

    ask_duty(self->database);
    on_tick(self);
}

static pg_t *
open_pool(database_t *self, const char *name, loop_fn *on_up)
{
    const struct probing_world *world = &self->probes->world;
    struct pg_options options = pg_settings_options(world->settings, world->meters, name);

    options.session = HEALTH_SESSION;
    options.statements = statements;
    options.statement_count = STMT_COUNT;
    options.connections = 1;
    options.on_up = on_up;
    options.arg = self;
    return pg_new(world->loop, &options);
}

static void
start(database_t *self, size_t i)
{
    const struct probing_world *world = &self->probes->world;
    struct probe *probe = &self->probes_of[i];
    const int64_t every_ms = probes_interval_ms(self->probes) * kinds[i].times;

    *probe = (struct probe){.database = self, .kind = &kinds[i]};
    if (!kinds[i].is_gauge || world->is_gauging)
        probe->timer = loop_timer(world->loop, (uint32_t)every_ms, true,
                                  i == PROBE_PING ? on_pulse : on_tick, probe);
}

database_t *
database_new(probes_t *probes)
{
    database_t *self = zmalloc(sizeof(*self));

    *self = (database_t){.probes = probes, .has_duty = true};
    self->pulse = open_pool(self, "tunemill-pulse", on_pulse_up);
    self->figures = open_pool(self, "tunemill-health", on_figures_up);
    for (size_t i = 0; i < PROBE_COUNT; i++)
        start(self, i);
    return self;
}

/* The pools first: what they end writes on the board once more. */
void
database_destroy(database_t **self_p)
{
    database_t *self = *self_p;

    if (!self)
        return;
    self->is_ending = true;
    pg_destroy(&self->pulse);
    pg_destroy(&self->figures);
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        if (self->probes_of[i].timer)
            loop_timer_end(self->probes->world.loop, self->probes_of[i].timer);
        if (self->probes_of[i].deadline)
            loop_timer_end(self->probes->world.loop, self->probes_of[i].deadline);
    }
    free(self);
    *self_p = NULL;
}

void
database_load(const database_t *self, struct pg_load *ret)
{
    const pg_t *pool = self->probes->world.pool;

    pg_load(pool ? pool : self->figures, ret);
}
