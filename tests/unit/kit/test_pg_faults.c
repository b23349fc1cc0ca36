#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"
#include "tests/support/meter.h"
#include "tests/support/pg_world.h"
#include "tests/support/suite.h"

static struct world world;

static void
setup(void)
{
    world_init(&world, 3);
}

static void
teardown(void)
{
    world_fini(&world);
}

static void
send_sleep(double seconds)
{
    pg_unit_t *unit = pg_unit_new(world.pg);

    pg_add(unit, WORLD_SLEEP);
    pg_f64(unit, seconds);
    pg_send(&unit, world_count, &world);
}

START_TEST(killing_the_database_ends_each_unit_in_flight_once_and_the_pool_returns)
{
    for (int i = 0; i < 3; i++)
        send_sleep(30); /* nothing behind these can be answered before the kill */
    for (int64_t i = 0; i < 300; i++)
        world_insert(&world, i, "x");
    ck_assert_uint_eq(pg_in_flight(world.pg), 303);
    pg_fixture_kill(world_fixture);
    world_wait(&world, 303);
    ck_assert_uint_eq(world.down, 303);
    ck_assert_uint_eq(world.downs, 1);
    ck_assert(!pg_is_up(world.pg));
    pg_fixture_start(world_fixture);
    world_wait_up(&world, 2);
    world_insert(&world, 1000, "after");
    world_wait(&world, 1);
    ck_assert_uint_eq(world.seen, 304);
    ck_assert_uint_eq(world.ok, 1);
    world_expect(&world, "SELECT count(*) FROM item", "1");
}
END_TEST

START_TEST(what_was_acknowledged_survives_the_kill)
{
    for (int64_t i = 0; i < 200; i++)
        world_insert(&world, i, "x");
    world_wait(&world, 200);
    pg_fixture_kill(world_fixture);
    pg_fixture_start(world_fixture);
    world_expect(&world, "SELECT count(*) FROM item", "200");
}
END_TEST

START_TEST(without_a_connection_a_unit_ends_with_the_attempt_but_not_within_pg_send)
{
    struct world other;

    world_init_url(&other, "host=/nonexistent-directory dbname=x", 2);
    for (int64_t i = 0; i < 5; i++)
        world_insert(&other, i, "x");
    ck_assert_uint_eq(other.seen, 0);
    world_wait(&other, 5);
    ck_assert_uint_eq(other.down, 5);
    ck_assert(!pg_is_up(other.pg));
    ck_assert_uint_eq(other.ups + other.downs, 0);
    world_fini(&other);
}
END_TEST

/* The loop has not run since: the pool takes its connections for good ones. */
START_TEST(the_first_units_after_a_restart_are_done)
{
    static const int signals[] = {SIGINT, SIGKILL};

    if (signals[_i] == SIGKILL)
        pg_fixture_kill(world_fixture);
    else
        pg_fixture_stop(world_fixture, signals[_i]);
    pg_fixture_start(world_fixture);
    for (int64_t i = 0; i < 10; i++)
        world_insert(&world, i, "x");
    ck_assert_uint_eq(world.seen, 0);
    world_wait(&world, 10);
    ck_assert_uint_eq(world.ok, 10);
    ck_assert_uint_eq(world.downs, 1);
    world_expect(&world, "SELECT count(*) FROM item", "10");
}
END_TEST

START_TEST(a_unit_does_not_wait_for_a_back_off)
{
    pg_fixture_kill(world_fixture);
    for (int64_t i = 0; i < 6; i++) { /* each has an attempt made, and so the pause doubled */
        world_insert(&world, i, "x");
        world_wait(&world, 1);
    }
    ck_assert_uint_eq(world.down, 6);
    pg_fixture_start(world_fixture);
    world_insert(&world, 7, "x");
    world_wait(&world, 1);
    ck_assert_uint_eq(world.ok, 1);
}
END_TEST

START_TEST(a_unit_waits_a_second_for_a_server_that_says_nothing)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(at);
    int mute = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct world other;
    char url[100];

    ck_assert_int_eq(bind(mute, (const struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(mute, 8), 0);
    ck_assert_int_eq(getsockname(mute, (struct sockaddr *)&at, &size), 0);
    snprintf(url, sizeof(url), "host=127.0.0.1 port=%d dbname=x", ntohs(at.sin_port));
    world_init_url(&other, url, 1);
    world_insert(&other, 1, "x");
    world_wait(&other, 1);
    ck_assert_uint_eq(other.down, 1);
    ck_assert_uint_eq(meter_of(other.metrics, METRIC_DB_ERRORS, "connect"), 0);
    world_fini(&other);
    close(mute);
}
END_TEST

START_TEST(a_url_that_is_none_is_no_crash)
{
    struct world other;

    world_init_url(&other, "postgres://%zz", 1);
    world_insert(&other, 1, "x");
    world_wait(&other, 1);
    ck_assert_uint_eq(other.down, 1);
    world_fini(&other);
}
END_TEST

/* libpq's own words would repeat it, with the password. */
START_TEST(an_address_that_cannot_be_read_is_not_repeated)
{
    static const char *const unreadable[] = {"postgres//me:kept-secret@db/x",
                                             "host=db password=kept-secret nonsense",
                                             "postgres://me:kept-secret@db/x?no=such"};
    const struct pg_options options = {
        .url = unreadable[_i], .application = "test", .connect_timeout_ms = 1000};
    char text[4096];
    FILE *log = tmpfile();
    int saved = dup(STDERR_FILENO);
    pg_sync_t *pg = pg_sync_new(&options);

    ck_assert(log && pg);
    dup2(fileno(log), STDERR_FILENO);
    log_init("test", LOG_AT_DEBUG);
    ck_assert_int_eq(pg_sync_connect(pg), TM_STORE_DOWN);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(log);
    text[fread(text, 1, sizeof(text) - 1, log)] = '\0';
    fclose(log);
    ck_assert_ptr_nonnull(strstr(text, "cannot be read"));
    ck_assert_ptr_null(strstr(text, "kept-secret"));
    pg_sync_destroy(&pg);
}
END_TEST

START_TEST(a_pool_made_before_the_database_comes_up_by_itself)
{
    struct world other;

    pg_fixture_kill(world_fixture);
    world_init_url(&other, world.url, 2);
    world_insert(&other, 1, "early");
    world_wait(&other, 1);
    ck_assert_uint_eq(other.down, 1);
    pg_fixture_start(world_fixture);
    world_wait_up(&other, 1);
    world_insert(&other, 1, "late");
    world_wait(&other, 1);
    ck_assert_uint_eq(other.ok, 1);
    world_fini(&other);
}
END_TEST

START_TEST(statements_that_do_not_fit_the_schema_are_tried_again_until_they_do)
{
    struct world other;
    char *url = pg_fixture_empty(world_fixture), *answer;

    world_init_url(&other, url, 1);
    world_insert(&other, 1, "x"); /* the first attempt fails while this waits */
    world_wait(&other, 1);
    ck_assert_uint_eq(other.down, 1);
    answer = pg_fixture_query(
        url, "CREATE TABLE item (id bigint, note text); CREATE TABLE child (parent bigint);"
             "CREATE FUNCTION refuse(p text) RETURNS void LANGUAGE sql AS ''");
    free(answer);
    world_wait_up(&other, 1);
    world_fini(&other);
    free(url);
}
END_TEST

START_TEST(terminated_backends_count_as_store_down_and_are_replaced)
{
    pg_unit_t *unit = pg_unit_new(world.pg);

    send_sleep(30);
    pg_add(unit, WORLD_END_BACKENDS);
    pg_send(&unit, world_count, &world);
    world_wait(&world, 2);
    ck_assert_uint_eq(world.down, 1);
    ck_assert_uint_eq(world.ok, 1);
    for (int64_t i = 0; i < 50; i++)
        world_insert(&world, i, "x");
    world_wait(&world, 50);
    ck_assert_uint_eq(world.ok + world.down, 52);
}
END_TEST

static void
send_again(void *arg, const struct pg_outcome *outcome)
{
    world_count(arg, outcome);
    world_insert(arg, 5, "again"); /* ended by pg_destroy, too */
}

START_TEST(destroying_the_pool_ends_what_is_in_flight_and_what_its_callbacks_send)
{
    pg_unit_t *unit = pg_unit_new(world.pg);

    send_sleep(30);
    pg_add(unit, WORLD_SLEEP);
    pg_f64(unit, 30);
    pg_send(&unit, send_again, &world);
    world.wanted = 100;
    pg_destroy(&world.pg);
    ck_assert_ptr_null(world.pg);
    ck_assert_uint_eq(world.seen, 3);
    ck_assert_uint_eq(world.down, 3);
}
END_TEST

static void
open_sync(pg_sync_t **ret, const char *url)
{
    struct pg_options options = {.url = url,
                                 .application = "sync",
                                 .statements = world_statements,
                                 .statement_count = WORLD_STATEMENT_COUNT,
                                 .connect_timeout_ms = 2000,
                                 .metrics = world.metrics};

    *ret = pg_sync_new(&options);
}

static tm_err_t
sync_insert(pg_sync_t *sync, int64_t id, int64_t divisor)
{
    const struct pg_outcome *outcome;
    pg_unit_t *unit = pg_unit_sync(sync);
    tm_err_t err;

    pg_add(unit, WORLD_INSERT);
    pg_i64(unit, id);
    pg_text(unit, "sync");
    pg_add(unit, WORLD_DIVIDE);
    pg_i64(unit, divisor);
    err = pg_sync_run(sync, &unit, &outcome);
    ck_assert_int_eq(outcome->err, err);
    ck_assert_ptr_null(unit);
    return err;
}

START_TEST(a_blocking_connection_runs_units_and_says_what_failed)
{
    pg_sync_t *sync;

    open_sync(&sync, world.url);
    ck_assert_int_eq(sync_insert(sync, 1, 1), TM_OK);
    ck_assert_int_eq(sync_insert(sync, 2, 0), TM_INTERNAL);
    ck_assert_int_eq(sync_insert(sync, 3, 1), TM_OK);
    world_expect(&world, "SELECT id FROM item ORDER BY id", "1\n3");
    pg_sync_destroy(&sync);
}
END_TEST

START_TEST(a_blocking_connection_survives_large_answers_to_large_units)
{
    const struct pg_outcome *outcome;
    pg_sync_t *sync;
    pg_unit_t *unit;

    open_sync(&sync, world.url);
    unit = pg_unit_sync(sync);
    for (int i = 0; i < 40; i++) {
        pg_add(unit, WORLD_REPEAT);
        pg_i64(unit, 1 << 20);
    }
    ck_assert_int_eq(pg_sync_run(sync, &unit, &outcome), TM_OK);
    ck_assert_uint_eq(outcome->count, 40);
    ck_assert_int_eq(PQgetlength(outcome->results[39], 0, 0), 1 << 20);
    pg_sync_destroy(&sync);
}
END_TEST

START_TEST(a_blocking_connection_reconnects_after_a_kill)
{
    pg_sync_t *sync;

    open_sync(&sync, world.url);
    ck_assert_int_eq(sync_insert(sync, 1, 1), TM_OK);
    pg_fixture_kill(world_fixture);
    ck_assert_int_eq(sync_insert(sync, 2, 1), TM_STORE_DOWN);
    ck_assert_int_eq(pg_sync_connect(sync), TM_STORE_DOWN);
    ck_assert_ptr_null(pg_sync_connection(sync));
    pg_fixture_start(world_fixture);
    ck_assert_int_eq(sync_insert(sync, 3, 1), TM_OK);
    world_expect(&world, "SELECT id FROM item ORDER BY id", "1\n3");
    pg_sync_destroy(&sync);
}
END_TEST

START_TEST(a_blocking_connection_notices_a_restart_before_the_next_unit)
{
    pg_sync_t *sync;

    open_sync(&sync, world.url);
    ck_assert_int_eq(sync_insert(sync, 1, 1), TM_OK);
    pg_fixture_stop(world_fixture, SIGINT);
    pg_fixture_start(world_fixture);
    ck_assert_int_eq(sync_insert(sync, 2, 1), TM_OK);
    pg_fixture_kill(world_fixture);
    pg_fixture_start(world_fixture);
    ck_assert_int_eq(sync_insert(sync, 3, 1), TM_OK);
    world_expect(&world, "SELECT id FROM item ORDER BY id", "1\n2\n3");
    pg_sync_destroy(&sync);
}
END_TEST

TCase *
pg_faults_case(void)
{
    TCase *tcase = case_new("faults", setup, teardown);

    suite_tests(tcase, killing_the_database_ends_each_unit_in_flight_once_and_the_pool_returns,
                what_was_acknowledged_survives_the_kill,
                without_a_connection_a_unit_ends_with_the_attempt_but_not_within_pg_send,
                a_unit_does_not_wait_for_a_back_off,
                a_unit_waits_a_second_for_a_server_that_says_nothing,
                a_url_that_is_none_is_no_crash);
    tcase_add_loop_test(tcase, an_address_that_cannot_be_read_is_not_repeated, 0, 3);
    suite_tests(tcase, a_pool_made_before_the_database_comes_up_by_itself,
                statements_that_do_not_fit_the_schema_are_tried_again_until_they_do,
                terminated_backends_count_as_store_down_and_are_replaced,
                destroying_the_pool_ends_what_is_in_flight_and_what_its_callbacks_send,
                a_blocking_connection_runs_units_and_says_what_failed,
                a_blocking_connection_survives_large_answers_to_large_units,
                a_blocking_connection_reconnects_after_a_kill,
                a_blocking_connection_notices_a_restart_before_the_next_unit);
    tcase_add_loop_test(tcase, the_first_units_after_a_restart_are_done, 0, 2);
    return tcase;
}
