/* What every process counts, over real brokers: reporters, watchers, and peers that misbehave.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/federation.h"
#include "tests/support/broker_world.h"
#include "tests/support/pg_suite.h"
#include "tests/support/meter.h"

enum { BROKERS = 2 };

static pg_fixture_t *fixture;
static struct broker_world world;
static loop_t *loop;
static meters_t *own;
static federation_t *fleet;

static void
start(void)
{
    char assignment[600];

    broker_world_start(&world, fixture, BROKERS);
    snprintf(assignment, sizeof(assignment), "broker.brokers=%s,%s", world.endpoint[0],
             world.endpoint[1]);
    broker_world_set(&world, assignment);
    loop = loop_new();
    own = meters_new("http");
    fleet = federation_new(loop, world.settings, own, true);
    ck_assert_ptr_nonnull(fleet);
}

static void
stop(void)
{
    federation_destroy(&fleet);
    ck_assert_ptr_null(fleet);
    meters_destroy(&own);
    loop_destroy(&loop);
    broker_world_stop(&world);
}

/* --- turning the loop until something is so ------------------------------------------------
 */

typedef bool is_so_fn(void);

struct tune_waiter {
    is_so_fn *is_so;
    int64_t end_ms;
};

static void
look(void *arg)
{
    const struct tune_waiter *self = arg;

    if (self->is_so() || zclock_mono() > self->end_ms)
        loop_stop(loop);
}

static void
await(is_so_fn *is_so, const char *what)
{
    struct tune_waiter self = {is_so, zclock_mono() + SOON_MS};
    int timer = loop_timer(loop, 10, true, look, &self);

    loop_run(loop);
    loop_timer_end(loop, timer);
    ck_assert_msg(is_so(), "%s", what);
}

static bool
hears_the_brokers(void)
{
    return federation_processes(fleet, "broker") == BROKERS;
}

START_TEST(a_watcher_hears_every_broker_and_shows_each_family_once)
{
    const char *silent;
    size_t configured;
    char *text, *first;

    await(hears_the_brokers, "both brokers");
    ck_assert_uint_eq(federation_brokers(fleet, &configured, &silent), BROKERS);
    ck_assert_uint_eq(configured, BROKERS);
    ck_assert_ptr_null(silent);
    text = federation_render(fleet, NULL);
    first = strstr(text, "# TYPE tunemill_workers gauge\n");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "# TYPE tunemill_workers gauge\n"));
    first = strstr(text, "\ntunemill_workers{actor=\"broker\",instance=");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first + 1, "\ntunemill_workers{actor=\"broker\",instance="));
    ck_assert_ptr_nonnull(strstr(text, "\ntunemill_streams{actor=\"http\",")); /* its own */
    free(text);
}
END_TEST

static bool
misses_a_broker(void)
{
    size_t configured;
    const char *silent;

    return federation_brokers(fleet, &configured, &silent) == 1 && silent;
}

START_TEST(a_broker_that_is_gone_is_named)
{
    size_t configured;
    const char *silent;

    await(hears_the_brokers, "both brokers");
    broker_world_kill(&world, 1, SIGKILL);
    await(misses_a_broker, "one is gone");
    ck_assert_uint_eq(federation_brokers(fleet, &configured, &silent), 1);
    ck_assert_str_eq(silent, world.endpoint[1]);
}
END_TEST

/* --- a peer's own reports ----------------------------------------------------------------- */

static peer_end_t *peer;

static void
say_as(const char *instance, uint64_t seq, const char *value, bool is_last)
{
    tm_msg_t msg = {.type = TM_MSG_METRICS};
    char text[300];

    snprintf(text, sizeof(text),
             "# HELP tunemill_trials_total h\n# TYPE tunemill_trials_total counter\n"
             "tunemill_trials_total{outcome=\"done\",actor=\"py\",instance=\"%s\"} %s\n",
             instance, value);
    msg.metrics.actor = tm_str("py");
    msg.metrics.instance = tm_str(instance);
    msg.metrics.seq = seq;
    msg.metrics.has_last = msg.metrics.last = is_last;
    msg.body = tm_str(text);
    peer_end_send(peer, &msg);
}

static double
trials(void)
{
    return federation_sum(fleet, METRIC_TRIALS, "outcome=\"done\"");
}

static bool
has_seven(void)
{
    return trials() == 7;
}

static bool
has_nine(void)
{
    return trials() == 9;
}

static bool
has_refused(void)
{
    return meter_of(own, METRIC_MESSAGES_BAD, "BAD_MESSAGE") > 0;
}

START_TEST(a_report_is_heard_once_and_an_older_one_changes_nothing)
{
    await(hears_the_brokers, "both brokers");
    peer = peer_end_new(world.endpoint[0]);
    say_as("p1", 5, "7", false);
    await(has_seven, "its report");
    say_as("p1", 4, "100", false);
    say_as("p1", 5, "100", false);
    say_as("p2", 1, "2", false);
    await(has_nine, "the other's report");
    ck_assert_uint_eq(federation_processes(fleet, "py"), 2);
    ck_assert_uint_eq(federation_processes(fleet, "nobody"), 0);
    ck_assert_uint_eq(federation_processes(fleet, "http"), 1);
    peer_end_destroy(&peer);
}
END_TEST

START_TEST(what_is_no_such_text_is_refused_as_a_whole_and_counted)
{
    await(hears_the_brokers, "both brokers");
    peer = peer_end_new(world.endpoint[0]);
    say_as("p1", 1, "many", false);
    await(has_refused, "a refusal");
    ck_assert_double_eq(trials(), 0);
    say_as("p1", 1, "7", false);
    await(has_seven, "the next");
    peer_end_destroy(&peer);
}
END_TEST

static bool
has_counted_both(void)
{
    return federation_sum(fleet, METRIC_MESSAGES_BAD, "reason=\"BAD_MESSAGE\"") == 1 &&
           federation_sum(fleet, METRIC_MESSAGES_BAD, "reason=\"NOT_FOUND\"") == 1;
}

START_TEST(a_broker_counts_what_it_cannot_read_and_what_it_does_not_take)
{
    const tm_msg_t job = {.type = TM_MSG_JOB}, done = {.type = TM_MSG_DONE};

    await(hears_the_brokers, "both brokers");
    peer = peer_end_new(world.endpoint[0]);
    peer_end_send_raw(peer, "garbage", 7, true);
    peer_end_send(peer, &job);
    peer_end_send(peer, &done); /* it is taken, though nobody said HELLO */
    for (int i = 0; i < 3; i++)
        peer_end_expect(peer, TM_MSG_REJECTED, SOON_MS);
    await(has_counted_both, "each counted once");
    peer_end_destroy(&peer);
}
END_TEST

START_TEST(nobody_but_a_watcher_hears)
{
    tm_msg_t ping = {.type = TM_MSG_PING};

    await(hears_the_brokers, "both brokers");
    peer = peer_end_new(world.endpoint[0]);
    say_as("p1", 1, "7", false);
    await(has_seven, "its report");
    peer_end_send(peer, &ping);
    ck_assert_ptr_null(peer_end_poll(peer, TM_MSG_METRICS, 0));
    ck_assert_ptr_null(peer_end_poll(peer, TM_MSG_METRICS, 2 * FEDERATION_REPORT_MS + 500));
    peer_end_destroy(&peer);
}
END_TEST

START_TEST(one_that_watches_hears_the_others_and_not_itself)
{
    tm_msg_t msg = {.type = TM_MSG_METRICS};
    const tm_msg_t *heard;

    await(hears_the_brokers, "both brokers");
    msg.metrics.actor = tm_str("py");
    msg.metrics.instance = tm_str("p1");
    msg.metrics.has_watch = msg.metrics.watch = true;
    peer = peer_end_new(world.endpoint[0]);
    peer_end_send(peer, &msg);
    do {
        heard = peer_end_expect(peer, TM_MSG_METRICS, SOON_MS);
        if (tm_str_is(heard->metrics.actor, "broker"))
            federation_destroy(&fleet); /* says its last */
        ck_assert(!tm_str_is(heard->metrics.actor, "py"));
        ck_assert(!heard->metrics.has_watch);
    } while (!tm_str_is(heard->metrics.actor, "http") || !heard->metrics.last);
    peer_end_destroy(&peer);
}
END_TEST

START_TEST(without_brokers_there_is_no_fleet)
{
    broker_world_set(&world, "broker.brokers=tcp://");
    ck_assert_ptr_null(federation_new(loop, world.settings, own, true));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("fleet");
    TCase *tcase = suite_case(suite, "fleet", start, stop);

    suite_tests(tcase, a_watcher_hears_every_broker_and_shows_each_family_once,
                a_broker_that_is_gone_is_named,
                a_report_is_heard_once_and_an_older_one_changes_nothing,
                what_is_no_such_text_is_refused_as_a_whole_and_counted,
                a_broker_counts_what_it_cannot_read_and_what_it_does_not_take,
                nobody_but_a_watcher_hears, one_that_watches_hears_the_others_and_not_itself,
                without_brokers_there_is_no_fleet);
    return pg_suite_run(suite, &fixture);
}
