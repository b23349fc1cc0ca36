#include "tests/unit/health/health_help.h"

#include <stdio.h>
#include <stdlib.h>

#include "actors/kit/util/clock.h"
#include "tests/support/patience.h"

enum { LOOK_MS = 5, LONG_AGO_MS = 3600000 };

pg_fixture_t *health_fixture;
char *health_url;
loop_t *health_loop;
settings_t *health_settings;
meters_t *health_meters;
components_t *health_board;
probes_t *health_probes;
struct federation health_fleet;

void
health_set(const char *assignment)
{
    char detail[300];

    ck_assert_msg(settings_set(health_settings, assignment, detail, sizeof(detail)) == TM_OK,
                  "%s", detail);
}

void
health_set_up(void)
{
    static const char *const kinds[] = {"broker", "http",    "tune",
                                        "events", "explain", "retention"};

    health_url = NULL;
    health_probes = NULL;
    health_settings = settings_new();
    health_loop = loop_new();
    health_meters = meters_new("health");
    health_board = components_new(clock_ms());
    health_fleet = (struct federation){.alive = 1, .configured = 1};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        fake_federation_run(&health_fleet, kinds[i], 1);
    health_set("health.interval_ms=50");
    health_set("health.deadline_ms=200");
    health_set("database.max_backoff_ms=100");
    health_set("database.url=host=/nowhere dbname=none");
}

void
health_tear_down(void)
{
    probes_destroy(&health_probes);
    components_destroy(&health_board);
    loop_destroy(&health_loop);
    meters_destroy(&health_meters);
    settings_destroy(&health_settings);
    free(health_url);
}

void
health_database(void)
{
    char assignment[600];

    health_url = pg_fixture_database(health_fixture);
    snprintf(assignment, sizeof(assignment), "database.url=%s", health_url);
    health_set(assignment);
}

void
health_run_sql(const char *sql)
{
    char *said = pg_fixture_query(health_url, sql);

    ck_assert_msg(strncmp(said, "ERROR", 5) != 0, "%s", said);
    free(said);
}

void
health_begin(const struct probes_model *model)
{
    const struct probing_world world = {.loop = health_loop,
                                        .settings = health_settings,
                                        .board = health_board,
                                        .meters = health_meters,
                                        .fleet = &health_fleet,
                                        .is_gauging = true};

    health_probes = probes_new(&world, model);
    health_probes->began_ms -= LONG_AGO_MS;
}

/* --- waiting ------------------------------------------------------------------------------ */

struct tune_waiter {
    bool (*is_so)(void *arg);
    void *arg;
    bool was_so;
    int64_t until_ms;
};

static void
on_look(void *arg)
{
    struct tune_waiter *self = arg;

    self->was_so = self->is_so(self->arg);
    if (self->was_so || clock_ms() >= self->until_ms)
        loop_stop(health_loop);
}

void
health_until(bool (*is_so)(void *arg), void *arg, const char *what)
{
    struct tune_waiter wait = {
        .is_so = is_so, .arg = arg, .until_ms = clock_ms() + PATIENCE_MS};
    int timer = loop_timer(health_loop, LOOK_MS, true, on_look, &wait);

    loop_run(health_loop);
    loop_timer_end(health_loop, timer);
    ck_assert_msg(wait.was_so, "not within %d ms: %s", PATIENCE_MS, what);
}

struct component_view
health_view(component_t component)
{
    struct component_view view;

    ck_assert(components_view(health_board, component, clock_ms(), &view));
    return view;
}

struct wanted {
    component_t component;
    health_status_t status;
    const char *error;
};

static bool
is_wanted(void *arg)
{
    const struct wanted *wanted = arg;
    struct component_view view;

    return components_view(health_board, wanted->component, clock_ms(), &view) &&
           view.status == wanted->status &&
           (wanted->error ? strstr(view.error, wanted->error) != NULL : !view.error[0]);
}

void
health_await(component_t component, health_status_t status, const char *error)
{
    struct wanted wanted = {component, status, error};
    char what[500];

    snprintf(what, sizeof(what), "component %d is %s with \"%s\"", (int)component,
             components_word(status), error ? error : "");
    health_until(is_wanted, &wanted, what);
}

json_t *
health_member(component_t component, const char *name)
{
    json_t *value = json_object_get(health_view(component).details, name);

    ck_assert_msg(value != NULL, "no member %s", name);
    return value;
}
