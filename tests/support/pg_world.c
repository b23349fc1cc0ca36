#include "tests/support/pg_world.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/patience.h"
#include "tests/support/meter.h"

const struct pg_statement world_statements[] = {
#define S(NAME, params, sql) {#NAME, params, sql},
    WORLD_STATEMENTS(S)
#undef S
};

static const char schema[] =
    "CREATE TABLE item (id bigint PRIMARY KEY, note text);"
    "CREATE TABLE child (parent bigint REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED);"
    "CREATE FUNCTION refuse(p text) RETURNS void LANGUAGE plpgsql AS $$"
    "BEGIN RAISE EXCEPTION '%', p USING ERRCODE = 'TM001'; END $$;";

static void
stop_when_done(void *arg)
{
    struct world *self = arg;

    if (self->seen >= self->wanted && self->ups >= self->wanted_ups &&
        self->notes >= self->wanted_notes &&
        meter_of(self->metrics, METRIC_DB_CONNECTIONS, "test") >= self->wanted_connections)
        loop_stop(self->loop);
}

static void
on_up(void *arg)
{
    struct world *self = arg;

    self->ups++;
    stop_when_done(self);
}

static void
on_down(void *arg)
{
    struct world *self = arg;

    self->downs++;
}

static void
on_notify(void *arg, const char *payload)
{
    struct world *self = arg;

    if (!payload[0]) /* listening begins */
        return;
    self->notes++;
    snprintf(self->last_note, sizeof(self->last_note), "%s", payload);
    stop_when_done(self);
}

void
world_init_url(struct world *self, const char *url, int connections)
{
    struct pg_options options = {
        .application = "test",
        .statements = world_statements,
        .statement_count = WORLD_STATEMENT_COUNT,
        .connections = connections,
        .connect_timeout_ms = 5000,
        .max_backoff_ms = 200,
        .on_up = on_up,
        .on_down = on_down,
        .listen = "news",
        .on_notify = on_notify,
        .arg = self,
    };

    *self = (struct world){.loop = loop_new(), .metrics = meters_new("test")};
    self->url = strdup(url);
    options.url = self->url;
    options.metrics = self->metrics;
    self->pg = pg_new(self->loop, &options);
}

void
world_init(struct world *self, int connections)
{
    char *url = pg_fixture_empty(world_fixture);
    char *answer = pg_fixture_query(url, schema);

    ck_assert_str_eq(answer, "");
    free(answer);
    world_init_url(self, url, connections);
    free(url);
    world_wait_connections(self, (uint64_t)connections);
}

void
world_fini(struct world *self)
{
    pg_destroy(&self->pg);
    loop_destroy(&self->loop);
    meters_destroy(&self->metrics);
    free(self->url);
}

static void
give_up(void *arg)
{
    struct world *self = arg;

    ck_abort_msg("waited too long: %zu of %zu outcomes, %zu of %zu ups, %zu of %zu notes",
                 self->seen, self->wanted, self->ups, self->wanted_ups, self->notes,
                 self->wanted_notes);
}

static void
run(struct world *self)
{
    int timer = loop_timer(self->loop, PATIENCE_MS, false, give_up, self);

    loop_run(self->loop);
    loop_timer_end(self->loop, timer);
}

void
world_wait(struct world *self, size_t outcomes)
{
    self->wanted += outcomes;
    if (self->seen < self->wanted)
        run(self);
}

void
world_wait_up(struct world *self, size_t ups)
{
    self->wanted_ups = ups;
    if (self->ups < ups)
        run(self);
}

void
world_wait_connections(struct world *self, uint64_t connections)
{
    int timer = loop_timer(self->loop, 1, true, stop_when_done, self);

    self->wanted_connections = connections;
    run(self);
    self->wanted_connections = 0; /* they may go again */
    loop_timer_end(self->loop, timer);
}

void
world_wait_note(struct world *self, size_t notes)
{
    self->wanted_notes = notes;
    if (self->notes < notes)
        run(self);
}

void
world_count(void *arg, const struct pg_outcome *outcome)
{
    struct world *self = arg;

    self->seen++;
    self->last_err = outcome->err;
    snprintf(self->last_sqlstate, sizeof(self->last_sqlstate), "%s", outcome->sqlstate);
    snprintf(self->last_message, sizeof(self->last_message), "%s", outcome->message);
    if (outcome->err == TM_OK)
        self->ok++;
    else if (outcome->err == TM_STORE_DOWN)
        self->down++;
    else
        self->other++;
    stop_when_done(self);
}

void
world_insert(struct world *self, int64_t id, const char *note)
{
    pg_unit_t *unit = pg_unit_new(self->pg);

    pg_add(unit, WORLD_INSERT);
    pg_i64(unit, id);
    pg_text(unit, note);
    pg_send(&unit, world_count, self);
}

void
world_expect(const struct world *self, const char *sql, const char *answer)
{
    char *got = pg_fixture_query(self->url, sql);

    ck_assert_str_eq(got, answer);
    free(got);
}
