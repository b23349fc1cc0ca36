/* GET /admin/events/stream and what feeds it, on a whole system: heads, filters, places,
 * resets, limits, slow readers, and events that are left by jobs. */
#include <check.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/client.h"
#include "proto/worker.h"
#include "tests/support/command.h"
#include "tests/support/nginx_proxy.h"
#include "tests/support/stream_pool.h"
#include "tests/support/suite.h"
#include "tests/support/system.h"
#include "tests/unit/events/streams_help.h"

#define ONE    "00000000-0000-0000-0000-000000000001"
#define TWO    "00000000-0000-0000-0000-000000000002"
#define STREAM "/admin/events/stream?workspace_id=" ONE

enum { RESULT_SKIP = 77, STREAMS_MAX = 40, KEEP = 100 };

/* --- the stream --------------------------------------------------------------------------- */

START_TEST(a_stream_begins_with_its_head_and_a_place_to_come_back_to)
{
    struct stream_client *client = open_one(0, STREAM, NULL);
    char place[32];

    stream_pool_until(&pool, stream_pool_is_open, "it is open");
    stream_pool_turn(&pool, 50);
    ck_assert_int_eq(client->status, 200);
    ck_assert_ptr_nonnull(strstr(client->head, "Content-Type: text/event-stream\r\n"));
    ck_assert_ptr_nonnull(strstr(client->head, "Cache-Control: no-cache\r\n"));
    ck_assert_ptr_nonnull(strstr(client->head, "X-Accel-Buffering: no\r\n"));
    ck_assert_ptr_nonnull(strstr(client->head, "X-Request-Id: "));
    ck_assert_ptr_nonnull(strstr(client->head, "X-Content-Type-Options: nosniff\r\n"));
    ck_assert_int_eq(client->reader.retry_ms, 3000);
    snprintf(place, sizeof(place), "%lld", (long long)last_id());
    ck_assert_str_eq(client->reader.last_id, place);
}
END_TEST

START_TEST(an_event_comes_as_the_contract_says)
{
    struct stream_client *client = open_one(0, STREAM, NULL);
    json_t *data;
    char id[32];

    stream_pool_until(&pool, stream_pool_is_open, "it is open");
    emit("backtest.tune.completed", ONE, 1);
    expect_events(1);
    ck_assert_str_eq(client->last_type, "backtest.tune.completed");
    data = json_loads(client->last_data, 0, NULL);
    snprintf(id, sizeof(id), "%lld", (long long)client->ids[0]);
    ck_assert_str_eq(json_string_value(json_object_get(data, "id")), id);
    ck_assert_str_eq(json_string_value(json_object_get(data, "topic")),
                     "backtest.tune.completed");
    ck_assert_str_eq(json_string_value(json_object_get(data, "workspace_id")), ONE);
    ck_assert_ptr_nonnull(json_string_value(json_object_get(data, "timestamp")));
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(data, "payload"), "n")),
                     1);
    json_decref(data);
}
END_TEST

START_TEST(only_ones_own_workspace_and_the_topics_asked_for)
{
    open_one(0, STREAM "&topics=coverage,backtest.tune.failed", NULL);
    stream_pool_until(&pool, stream_pool_is_open, "it is open");
    emit("backtest.tune.failed", TWO, 5);
    emit("backtest.tune.completed", ONE, 5);
    emit("coverage.weak_run.created", TWO, 5);
    emit("some.other.topic", ONE, 5);
    emit("coverage.weak_run.created", ONE, 2);
    emit("backtest.tune.failed", ONE, 1);
    expect_events(3);
    ck_assert_str_eq(pool.clients[0].last_type, "backtest.tune.failed");
}
END_TEST

START_TEST(an_unknown_topic_is_refused)
{
    open_one(0, STREAM "&topics=coverage,nothing", NULL);
    stream_pool_until(&pool, is_answered, "it is answered");
    ck_assert_int_eq(pool.clients[0].status, 422);
}
END_TEST

/* --- places ------------------------------------------------------------------------------- */

static const char *
seen_before(int events_ago)
{
    static char id[32];

    snprintf(id, sizeof(id), "%lld", (long long)(last_id() - events_ago));
    return id;
}

START_TEST(what_was_missed_comes_first)
{
    emit("backtest.tune.started", ONE, 10);
    open_one(0, STREAM, seen_before(7));
    expect_events(7);
    emit("backtest.tune.started", ONE, 3);
    expect_events(10);
    for (size_t i = 1; i < 10; i++)
        ck_assert_int_eq(pool.clients[0].ids[i], pool.clients[0].ids[i - 1] + 1);
}
END_TEST

START_TEST(the_place_may_stand_in_the_address)
{
    char path[128];

    emit("backtest.tune.started", ONE, 10);
    snprintf(path, sizeof(path), STREAM "&last_event_id=%s", seen_before(4));
    open_one(0, path, NULL);
    expect_events(4);
}
END_TEST

START_TEST(the_header_is_newer_than_the_address)
{
    char path[128];

    emit("backtest.tune.started", ONE, 10);
    snprintf(path, sizeof(path), STREAM "&last_event_id=%s", seen_before(9));
    open_one(0, path, seen_before(2));
    expect_events(2);
}
END_TEST

/* More than the ring holds (events.buffer 16): the rest is read in pages, and nothing is
 * missing where they meet, while more happens. */
START_TEST(what_the_ring_has_lost_is_read_from_the_bus)
{
    emit("backtest.tune.started", ONE, 90);
    open_one(0, STREAM, seen_before(85));
    for (int i = 0; i < 5; i++) {
        stream_pool_turn(&pool, 1);
        emit("backtest.tune.started", ONE, 3);
    }
    expect_events(100);
    for (size_t i = 1; i < 100; i++)
        ck_assert_int_eq(pool.clients[0].ids[i], pool.clients[0].ids[i - 1] + 1);
}
END_TEST

static const char *const unknown[] = {"999999999999",         "abc", "-1", "1e3",
                                      "99999999999999999999", "0"};

/* One that was never an event's, or of which too much is missing (events.keep 100): one reset,
 * and from then on what happens. */
START_TEST(a_place_that_is_not_known_is_said_to_be_so)
{
    emit("backtest.tune.started", ONE, 2 * KEEP);
    await("SELECT (count(*) <= 100)::int FROM events", 1);
    open_one(0, STREAM, unknown[_i]);
    stream_pool_until(&pool, is_reset, "it is reset");
    emit("backtest.tune.started", ONE, 2);
    expect_events(2);
    ck_assert_uint_eq(pool.clients[0].resets, 1);
    ck_assert_int_eq(pool.clients[0].ids[1], last_id());
}
END_TEST

/* --- limits ------------------------------------------------------------------------------- */

START_TEST(one_too_many_is_told_to_come_back_later)
{
    stop_pool();
    start_pool(STREAMS_MAX + 1);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        open_one(i, STREAM, NULL);
    stream_pool_until(&pool, stream_pool_is_open, "all are open");
    open_one(STREAMS_MAX, STREAM, NULL);
    stream_pool_until(&pool, has_answers, "the last is answered");
    stream_pool_turn(&pool, 50);
    ck_assert_int_eq(pool.clients[STREAMS_MAX].status, 200); /* else a browser gives up */
    ck_assert_ptr_nonnull(
        strstr(pool.clients[STREAMS_MAX].head, "Content-Type: text/event-stream"));
    ck_assert_int_eq(pool.clients[STREAMS_MAX].reader.retry_ms, 30000);
}
END_TEST

/* --- readers that do not ------------------------------------------------------------------ */

static long
metric(const char *name)
{
    long status;
    char *text = system_get(&up, "/metrics", &status), *at;
    char line[160];
    long value;

    snprintf(line, sizeof(line), "\n%s", name);
    at = text ? strstr(text, line) : NULL;
    at = at ? strstr(at, "} ") : NULL;
    value = at ? strtol(at + 2, NULL, 10) : 0;
    free(text);
    return value;
}

static bool
has_first(struct stream_pool *self)
{
    return stream_client_is_open(&self->clients[0]) && self->clients[1].connects > 0;
}

/* The ring laps it (16 events; its socket holds a few hundred kilobytes): it is closed and
 * counted, and the other has them all. */
START_TEST(a_reader_that_does_not_read_is_closed_and_holds_nobody_up)
{
    static const char closed[] = "tunemill_streams_closed_total{reason=\"slow\",";
    long before = metric(closed);
    int sent = 0;

    stop_pool();
    start_pool(2);
    pool.clients[1].is_deaf = true;
    open_one(0, STREAM, NULL);
    open_one(1, STREAM, NULL);
    stream_pool_until(&pool, has_first, "the reader is there");
    for (int rounds = 0; metric(closed) == before; rounds++) {
        ck_assert_int_lt(rounds, 600);
        number(
            "SELECT count(event_emit('backtest.tune.progress', '" ONE
            "', jsonb_build_object('pad', repeat('x', 60000)))) FROM generate_series(1, 10)");
        sent += 10;
        expect_events((size_t)sent);
    }
}
END_TEST

/* --- behind a proxy ----------------------------------------------------------------------- */

START_TEST(the_time_until_the_streams_have_an_event_is_counted)
{
    static const char *const actors[] = {"broker", "http", "tune", "explain", "events"};
    char series[80];

    for (size_t i = 0; i < sizeof(actors) / sizeof(actors[0]); i++) {
        int64_t end_ms = zclock_mono() + 20000;
        snprintf(series, sizeof(series), "process_start_time_seconds{actor=\"%s\",", actors[i]);
        while (metric(series) == 0)
            ck_assert_msg(zclock_mono() < end_ms, "%s does not report", actors[i]);
    }
    ck_assert_int_gt(metric("tunemill_event_delivery_seconds_count{"), 0);
}
END_TEST

START_TEST(a_stream_goes_through_nginx_as_it_comes)
{
    uint16_t port;
    pid_t nginx = nginx_proxy_start(up.root, up.http, &port);
    struct stream_client *client;

    stop_pool();
    stream_pool_start(&pool, port, 1);
    client = open_one(0, STREAM, NULL);
    stream_pool_until(&pool, stream_pool_is_open, "it is open through the proxy");
    for (size_t n = 1; n <= 5; n++) { /* each before the next is made: none is held back */
        emit("backtest.tune.started", ONE, 1);
        expect_events(n);
    }
    stream_client_cut(client);
    emit("backtest.tune.started", ONE, 5);
    expect_events(10);
    ck_assert_int_eq(kill(nginx, SIGTERM), 0);
}
END_TEST

/* --- jobs --------------------------------------------------------------------------------- */

static char broker[600];

static tm_client_t *
connect_client(void)
{
    struct tm_client_options options = {.brokers = broker, .give_up_ms = 20000};
    tm_client_t *client = tm_client_new(&options);

    ck_assert_ptr_nonnull(client);
    return client;
}

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    int *left = arg;

    ck_assert_msg(!answer->err, "%s", answer->detail);
    (*left)--;
}

static void
submit(const char *queue, const char *body)
{
    struct tm_job_spec spec = {.queue = queue, .body = body, .body_size = strlen(body)};
    tm_client_t *client = connect_client();
    int left = 1;

    spec.workspace.bytes[15] = 1;
    ck_assert_int_eq(tm_client_submit(client, &spec, on_answer, &left), TM_OK);
    while (left > 0)
        ck_assert_int_eq(tm_client_wait(client, 20000), TM_OK);
    tm_client_destroy(&client);
}

START_TEST(a_job_of_the_queue_events_is_an_event)
{
    open_one(0, STREAM, NULL);
    stream_pool_until(&pool, stream_pool_is_open, "it is open");
    submit("events", "{\"topic\": \"coverage.weak_run.updated\", \"payload\": {\"n\": 7}}");
    expect_events(1);
    ck_assert_str_eq(pool.clients[0].last_type, "coverage.weak_run.updated");
    ck_assert_ptr_nonnull(strstr(pool.clients[0].last_data, "\"n\": 7"));
    await("SELECT count(*) FROM jobs WHERE queue = 'events'", 0);
}
END_TEST

static const char *const wrong[] = {
    "",     "{", "[]", "{\"topic\": \"Bad Topic\", \"payload\": {}}", "{\"topic\": \"a.b\"}",
    "\xff",
};

START_TEST(a_job_that_is_no_event_is_rejected_at_once_and_says_why)
{
    char sql[200];
    long before = number("SELECT count(*) FROM job_runs WHERE outcome = 'rejected'");

    submit("events", wrong[_i]);
    snprintf(sql, sizeof(sql),
             "SELECT count(*) - %ld FROM job_runs WHERE outcome = 'rejected'"
             "   AND queue = 'events' AND code = 'BAD_REQUEST' AND detail LIKE '%%topic%%'",
             before);
    await(sql, 1);
}
END_TEST

/* What a worker hands in with its DONE commits with it. */
START_TEST(an_event_follows_a_job_in_the_jobs_own_transaction)
{
    static const char event[] =
        "{\"topic\": \"backtest.tune.started\", \"payload\": {\"n\": 1}}";
    struct tm_worker_options options = {
        .brokers = broker, .actor = "test", .queues = "of.test", .credit = 1};
    struct tm_job_spec follower = {
        .queue = "events", .body = event, .body_size = strlen(event)};
    tm_worker_t *worker = tm_worker_new(&options);
    tm_job_t *job = NULL;

    open_one(0, STREAM, NULL);
    stream_pool_until(&pool, stream_pool_is_open, "it is open");
    submit("of.test", "x");
    ck_assert_int_eq(tm_worker_next(worker, 20000, &job), TM_OK);
    follower.workspace.bytes[15] = 1;
    tm_worker_done_with(worker, &job, &(struct tm_job_end){.jobs = &follower, .job_count = 1});
    expect_events(1);
    ck_assert_int_eq(
        number("SELECT count(*) FROM job_runs WHERE queue = 'of.test' AND outcome = 'done'"),
        1);
    tm_worker_destroy(&worker);
}
END_TEST

/* --- tail --------------------------------------------------------------------------------- */

START_TEST(tail_shows_what_happens)
{
    const char *argv[] = {TUNEMILL,   "events", "tail", "--data-dir", up.data_dir, "--topic",
                          "coverage", "--last", "3",    "--json",     NULL};
    char log[160], line[4096] = "";
    FILE *out;
    json_t *event;
    int fd;
    pid_t pid;

    emit("coverage.weak_run.created", ONE, 3);
    snprintf(log, sizeof(log), "%s/tail.log", up.root);
    pid = command_start(argv, log, &fd);
    out = fdopen(fd, "r");
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), out));
    emit("backtest.tune.started", ONE, 1);
    emit("coverage.weak_run.updated", TWO, 1);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), out));
    event = json_loads(line, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(event, "topic")),
                     "coverage.weak_run.updated");
    json_decref(event);
    kill(pid, SIGTERM);
    ck_assert_ptr_null(fgets(line, sizeof(line), out));
    fclose(out);
}
END_TEST

/* --- the program -------------------------------------------------------------------------- */

static void
start_all(void)
{
    setenv("ADMIN_TOKEN", STREAM_TOKEN, 1);
    setenv("TUNEMILL_HTTP_MAX_STREAMS", "40", 1);
    setenv("TUNEMILL_EVENTS_BUFFER", "16", 1);
    setenv("TUNEMILL_EVENTS_BUFFER_MB", "1", 1);
    setenv("TUNEMILL_EVENTS_KEEP", "100", 1);
    system_start(&up, "1");
    snprintf(broker, sizeof(broker), "ipc://%s/run/broker.sock", up.data_dir);
}

static void
connect_database(void)
{
    database = PQconnectdb(up.database);
    ck_assert_int_eq(PQstatus(database), CONNECTION_OK);
    set_up();
}

static void
disconnect_database(void)
{
    stop_pool();
    PQfinish(database);
}

static void
stop_all(void)
{
    system_stop(&up);
}

int
main(void)
{
    Suite *suite = suite_create("streams");
    TCase *tcase = suite_case(suite, "streams", connect_database, disconnect_database);

    if (access("/usr/lib/postgresql/15/bin/postgres", X_OK) != 0) {
        fprintf(stderr, "skipped: PostgreSQL is not installed\n");
        return RESULT_SKIP;
    }
    tcase_add_unchecked_fixture(tcase, start_all, stop_all);
    suite_tests(
        tcase, a_stream_begins_with_its_head_and_a_place_to_come_back_to,
        an_event_comes_as_the_contract_says, only_ones_own_workspace_and_the_topics_asked_for,
        an_unknown_topic_is_refused, what_was_missed_comes_first,
        the_place_may_stand_in_the_address, the_header_is_newer_than_the_address,
        what_the_ring_has_lost_is_read_from_the_bus, one_too_many_is_told_to_come_back_later,
        a_reader_that_does_not_read_is_closed_and_holds_nobody_up,
        the_time_until_the_streams_have_an_event_is_counted,
        a_job_of_the_queue_events_is_an_event,
        an_event_follows_a_job_in_the_jobs_own_transaction, tail_shows_what_happens);
    if (nginx_proxy_is_there())
        suite_tests(tcase, a_stream_goes_through_nginx_as_it_comes);
    else
        fprintf(stderr, "skipped: nginx is not installed\n");
    suite_rows(tcase, a_place_that_is_not_known_is_said_to_be_so, unknown);
    suite_rows(tcase, a_job_that_is_no_event_is_rejected_at_once_and_says_why, wrong);
    return suite_run(suite);
}
