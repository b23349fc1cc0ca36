/* health_help - probes on a loop, a board and a fake fleet, for one test. */
#ifndef TESTS_UNIT_HEALTH_HEALTH_HELP_H
#define TESTS_UNIT_HEALTH_HEALTH_HELP_H

#include <check.h>
#include <string.h>

#include "actors/health/probes_inner.h"
#include "tests/support/llm/llm_stub.h"
#include "tests/support/pg_fixture.h"
#include "tests/unit/health/fake_federation.h"
#include "tests/support/meter.h"

extern pg_fixture_t *health_fixture; /* made by the test program's main */
extern char *health_url;             /* of the test's database; NULL: none */
extern loop_t *health_loop;
extern settings_t *health_settings;
extern meters_t *health_meters;
extern components_t *health_board;
extern probes_t *health_probes; /* NULL: not begun */
extern struct federation
    health_fleet; /* one broker that answers, and one process of each kind */

/* Fast probes; each test that wants a database makes one with health_database. */
void health_set_up(void);
void health_tear_down(void);
void health_database(void);
void health_run_sql(const char *sql); /* must not fail */
void health_set(const char *assignment);
/* From now on they look; as processes that have run for a while, they believe what they miss.
 */
void health_begin(const struct probes_model *model);

/* Turns the loop until it is so; fails the test after half a minute. */
void health_until(bool (*is_so)(void *arg), void *arg, const char *what);
/* The same until the component has this status and an error that contains the text; NULL: none.
 */
void health_await(component_t component, health_status_t status, const char *error);
struct component_view health_view(component_t component);
/* A member of the component's details; it must be there. */
json_t *health_member(component_t component, const char *name);

#define HEALTH_GAUGE(metric, label) ((long)meter_of(health_meters, METRIC_##metric, label))

#endif
