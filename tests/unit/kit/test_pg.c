#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/log.h"
#include "tests/support/pg_suite.h"
#include "tests/support/pg_world.h"
#include "tests/support/meter.h"

pg_fixture_t *world_fixture;
static struct world world;

static void
setup(void)
{
    world_init(&world, 2);
}

static void
teardown(void)
{
    world_fini(&world);
}

static void
send_echo(pg_fn *fn, bool nulls)
{
    static const tm_uuid_t id = {{0x12, 0x34, [15] = 0xff}};
    pg_unit_t *unit = pg_unit_new(world.pg);

    pg_add(unit, WORLD_ECHO);
    pg_text(unit, nulls ? NULL : "gr\xc3\xbc\xc3\x9f");
    if (nulls) {
        for (int i = 0; i < 3; i++)
            pg_null(unit);
    } else {
        pg_i64(unit, INT64_MIN);
        pg_f64(unit, 0.1);
        pg_bool(unit, true);
    }
    pg_uuid(unit, nulls ? NULL : &id);
    if (nulls)
        pg_null(unit);
    else
        pg_bytes(unit, "\0\x01\xff", 3);
    pg_send(&unit, fn, &world);
}

static void
check_echo(void *arg, const struct pg_outcome *outcome)
{
    const PGresult *row = outcome->results[0];
    tm_uuid_t id = pg_get_uuid(row, 0, 4);
    size_t size;
    unsigned char *bytes = pg_get_bytes(row, 0, 5, &size);
    char text[TM_UUID_TEXT];

    ck_assert_str_eq(pg_get(row, 0, 0), "gr\xc3\xbc\xc3\x9f");
    ck_assert(pg_get_i64(row, 0, 1) == INT64_MIN);
    ck_assert(pg_get_f64(row, 0, 2) == 0.1);
    ck_assert(pg_get_bool(row, 0, 3));
    ck_assert_str_eq(tm_uuid_text(&id, text), "12340000-0000-0000-0000-0000000000ff");
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(bytes, "\0\x01\xff", 3);
    free(bytes);
    world_count(arg, outcome);
}

START_TEST(values_of_every_type_come_back_as_they_were_sent)
{
    send_echo(check_echo, false);
    world_wait(&world, 1);
    ck_assert_uint_eq(world.ok, 1);
}
END_TEST

static void
check_nulls(void *arg, const struct pg_outcome *outcome)
{
    const PGresult *row = outcome->results[0];
    tm_uuid_t id = pg_get_uuid(row, 0, 4);
    size_t size;

    ck_assert_ptr_null(pg_get(row, 0, 0));
    ck_assert(pg_get_i64(row, 0, 1) == 0);
    ck_assert(isnan(pg_get_f64(row, 0, 2)));
    ck_assert(!pg_get_bool(row, 0, 3));
    ck_assert(tm_uuid_is_nil(&id));
    ck_assert_ptr_null(pg_get_bytes(row, 0, 5, &size));
    world_count(arg, outcome);
}

static void
note_trace(void *arg, const struct pg_outcome *outcome)
{
    traceparent_t now = log_trace_now(), *ret = arg;

    *ret = now;
    world_count(&world, outcome);
}

/* What it was sent for is what its callback works for, whatever came between. */
START_TEST(a_callback_works_for_what_the_unit_was_sent_for)
{
    static traceparent_t sent[2], seen[2];

    for (int i = 0; i < 2; i++) {
        pg_unit_t *unit = pg_unit_new(world.pg);

        traceparent_start(&sent[i]);
        log_trace(&sent[i]);
        pg_send(&unit, note_trace, &seen[i]);
    }
    log_trace(NULL);
    world_wait(&world, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(seen[i].trace_id, sent[i].trace_id);
        ck_assert_str_eq(seen[i].span_id, sent[i].span_id);
    }
    ck_assert_str_eq(log_trace_now().trace_id, "");
}
END_TEST

START_TEST(null_is_sent_and_read_as_null)
{
    send_echo(check_nulls, true);
    world_wait(&world, 1);
    ck_assert_uint_eq(world.ok, 1);
}
END_TEST

static void
check_arrays(void *arg, const struct pg_outcome *outcome)
{
    static const char *const expected[] = {"{01000000-0000-0000-0000-000000000000}",
                                           "{-5,NULL}",
                                           "{9223372036854775807}",
                                           "{a,\"b c\",\"\"}",
                                           "{\"\\\\x00ff\"}",
                                           "{t,f}",
                                           "{}"};

    ck_assert_msg(outcome->err == TM_OK, "%s %s", outcome->sqlstate, outcome->message);
    for (int i = 0; i < 7; i++)
        ck_assert_str_eq(pg_get(outcome->results[0], 0, i), expected[i]);
    world_count(arg, outcome);
}

static void
add_array(pg_unit_t *unit, pg_array_t *array)
{
    pg_array(unit, &array);
    ck_assert_ptr_null(array);
}

static pg_array_t *
numbers(unsigned oid, int64_t a, bool null)
{
    pg_array_t *array = pg_array_new(oid);

    pg_array_i64(array, a);
    if (null)
        pg_array_null(array);
    return array;
}

START_TEST(arrays_of_every_type_arrive_empty_ones_and_nulls_too)
{
    pg_unit_t *unit = pg_unit_new(world.pg);
    pg_array_t *ids = pg_array_new(PG_UUID), *texts = pg_array_new(PG_TEXT);
    pg_array_t *blobs = pg_array_new(PG_BYTEA), *flags = numbers(PG_BOOL, 7, false);

    pg_array_bytes(ids, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    pg_array_bytes(texts, "a", 1);
    pg_array_bytes(texts, "b c", 3);
    pg_array_bytes(texts, "", 0);
    pg_array_bytes(blobs, "\0\xff", 2);
    pg_array_i64(flags, 0);
    pg_add(unit, WORLD_ARRAYS);
    add_array(unit, ids);
    add_array(unit, numbers(PG_INT4, -5, true));
    add_array(unit, numbers(PG_INT8, INT64_MAX, false));
    add_array(unit, texts);
    add_array(unit, blobs);
    add_array(unit, flags);
    add_array(unit, pg_array_new(PG_FLOAT8));
    pg_send(&unit, check_arrays, &world);
    world_wait(&world, 1);
}
END_TEST

START_TEST(an_error_rolls_back_its_whole_unit_and_later_units_still_run)
{
    pg_unit_t *unit = pg_unit_new(world.pg);

    pg_add(unit, WORLD_INSERT);
    pg_i64(unit, 1);
    pg_text(unit, "lost");
    pg_add(unit, WORLD_DIVIDE);
    pg_i64(unit, 0);
    pg_add(unit, WORLD_INSERT);
    pg_i64(unit, 2);
    pg_text(unit, "never");
    pg_send(&unit, world_count, &world);
    world_wait(&world, 1);
    ck_assert_int_eq(world.last_err, TM_INTERNAL);
    ck_assert_str_eq(world.last_sqlstate, "22012");
    world_insert(&world, 3, "kept");
    world_wait(&world, 1);
    ck_assert_uint_eq(world.ok, 1);
    world_expect(&world, "SELECT id, note FROM item", "3|kept");
    ck_assert_uint_eq(meter_of(world.metrics, METRIC_DB_ERRORS, "sql"), 1);
}
END_TEST

START_TEST(an_error_found_at_commit_is_the_units_error)
{
    pg_unit_t *unit = pg_unit_new(world.pg);

    pg_add(unit, WORLD_INSERT);
    pg_i64(unit, 1);
    pg_text(unit, "lost");
    pg_add(unit, WORLD_CHILD);
    pg_i64(unit, 77);
    pg_send(&unit, world_count, &world);
    world_insert(&world, 2, "kept");
    world_insert(&world, 3, "kept");
    world_wait(&world, 3);
    ck_assert_uint_eq(world.other, 1);
    ck_assert_uint_eq(world.ok, 2);
    world_expect(&world, "SELECT id FROM item ORDER BY id", "2\n3");
    ck_assert_uint_eq(world.downs, 0);
}
END_TEST

START_TEST(a_refusal_of_our_own_sql_gives_its_code_and_detail)
{
    static const struct {
        const char *raised;
        tm_err_t err;
        const char *message;
    } rows[] = {
        {"QUEUE_FULL: tune holds 5", TM_QUEUE_FULL, "tune holds 5"},
        {"NOT_FOUND", TM_NOT_FOUND, "NOT_FOUND"},
        {"OK: not a failure", TM_INTERNAL, "not a failure"},
        {"NO_SUCH_CODE: x", TM_INTERNAL, "x"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pg_unit_t *unit = pg_unit_new(world.pg);
        pg_add(unit, WORLD_REFUSE);
        pg_text(unit, rows[i].raised);
        pg_send(&unit, world_count, &world);
        world_wait(&world, 1);
        ck_assert_int_eq(world.last_err, rows[i].err);
        ck_assert_str_eq(world.last_message, rows[i].message);
        ck_assert_str_eq(world.last_sqlstate, "TM001");
    }
}
END_TEST

START_TEST(ten_thousand_units_in_flight_each_end_once)
{
    for (int64_t i = 0; i < 10000; i++)
        world_insert(&world, i, "x");
    ck_assert_uint_eq(pg_in_flight(world.pg), 10000);
    world_wait(&world, 10000);
    ck_assert_uint_eq(world.ok, 10000);
    ck_assert_uint_eq(pg_in_flight(world.pg), 0);
    world_expect(&world, "SELECT count(*), sum(id) FROM item", "10000|49995000");
    ck_assert_uint_eq(meter_of(world.metrics, METRIC_DB_QUERY, "INSERT"), 10000);
}
END_TEST

#define LARGE (1 << 20)
static unsigned char large[LARGE];

static void
check_large(void *arg, const struct pg_outcome *outcome)
{
    size_t size = 0;
    unsigned char *bytes = pg_get_bytes(outcome->results[0], 0, 5, &size);

    ck_assert_uint_eq(size, LARGE);
    ck_assert_int_eq(memcmp(bytes, large, LARGE), 0);
    free(bytes);
    world_count(arg, outcome);
}

START_TEST(a_mebibyte_goes_there_and_back)
{
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (unsigned char)(i * 31 + (i >> 8));
    for (int i = 0; i < 8; i++) {
        pg_unit_t *unit = pg_unit_new(world.pg);
        pg_add(unit, WORLD_ECHO);
        for (int j = 0; j < 5; j++)
            pg_null(unit);
        pg_bytes(unit, large, LARGE);
        pg_send(&unit, check_large, &world);
    }
    world_wait(&world, 8);
    ck_assert_uint_eq(world.ok, 8);
}
END_TEST

START_TEST(a_notification_arrives_while_nothing_else_happens)
{
    char *answer = pg_fixture_query(world.url, "NOTIFY news, 'queue tune'");

    free(answer);
    world_wait_note(&world, 1);
    ck_assert_str_eq(world.last_note, "queue tune");
}
END_TEST

START_TEST(a_notification_arrives_between_units)
{
    for (int i = 0; i < 50; i++) {
        pg_unit_t *unit = pg_unit_new(world.pg);
        pg_add(unit, WORLD_NOTIFY);
        pg_text(unit, i % 2 ? "odd" : "even");
        pg_send(&unit, world_count, &world);
    }
    world_wait(&world, 50);
    world_wait_note(&world, 50);
    ck_assert_uint_eq(world.ok, 50);
}
END_TEST

START_TEST(a_unit_without_statements_ends_well)
{
    pg_unit_t *unit = pg_unit_new(world.pg);

    pg_send(&unit, world_count, &world);
    world_wait(&world, 1);
    ck_assert_uint_eq(world.ok, 1);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_refused_by_the_database_and_harms_nothing)
{
    world_insert(&world, 1, "\xff\xfe");
    world_insert(&world, 2, "fine");
    world_wait(&world, 2);
    ck_assert_uint_eq(world.other, 1);
    ck_assert_uint_eq(world.ok, 1);
    ck_assert_uint_eq(world.downs, 0);
}
END_TEST

static void
insert_again(void *arg, const struct pg_outcome *outcome)
{
    struct world *self = arg;

    if (outcome->err == TM_OK && self->seen < 99)
        for (int i = 0; i < 2 && pg_in_flight(self->pg) < 20; i++) {
            static int64_t id = 1000;
            pg_unit_t *unit = pg_unit_new(self->pg);
            pg_add(unit, WORLD_INSERT);
            pg_i64(unit, id++);
            pg_null(unit);
            pg_send(&unit, insert_again, self);
        }
    world_count(arg, outcome);
}

START_TEST(a_callback_may_send_more)
{
    pg_unit_t *unit = pg_unit_new(world.pg);

    pg_add(unit, WORLD_COUNT);
    pg_send(&unit, insert_again, &world);
    world_wait(&world, 100);
    ck_assert_uint_ge(world.ok, 100);
}
END_TEST

START_TEST(a_unit_that_was_not_sent_can_be_dropped)
{
    pg_unit_t *unit = pg_unit_new(world.pg);

    pg_add(unit, WORLD_INSERT);
    pg_i64(unit, 1);
    pg_text(unit, "x");
    pg_unit_destroy(&unit);
    ck_assert_ptr_null(unit);
    ck_assert_uint_eq(pg_in_flight(world.pg), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("pg");
    TCase *units = suite_case(suite, "units", setup, teardown);

    log_init("test", getenv("TUNEMILL_TEST_LOG") ? LOG_AT_DEBUG : LOG_AT_ERROR);
    suite_tests(units, values_of_every_type_come_back_as_they_were_sent,
                a_callback_works_for_what_the_unit_was_sent_for, null_is_sent_and_read_as_null,
                arrays_of_every_type_arrive_empty_ones_and_nulls_too,
                an_error_rolls_back_its_whole_unit_and_later_units_still_run,
                an_error_found_at_commit_is_the_units_error,
                a_refusal_of_our_own_sql_gives_its_code_and_detail,
                ten_thousand_units_in_flight_each_end_once, a_mebibyte_goes_there_and_back,
                a_notification_arrives_while_nothing_else_happens,
                a_notification_arrives_between_units, a_unit_without_statements_ends_well,
                text_that_is_not_utf8_is_refused_by_the_database_and_harms_nothing,
                a_callback_may_send_more, a_unit_that_was_not_sent_can_be_dropped);
    suite_add_tcase(suite, pg_faults_case());
    return pg_suite_run(suite, &world_fixture);
}
