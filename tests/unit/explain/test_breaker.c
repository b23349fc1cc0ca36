#include <check.h>
#include <stdlib.h>

#include "actors/explain/llm/breaker.h"
#include "tests/support/suite.h"

#define SECOND INT64_C(1000000)

static const struct breaker_rules rules = {
    .failures = 5, .open_us = 30 * SECOND, .most_open_us = 600 * SECOND};

static struct breaker breaker;
static int64_t now_us;

static void
setup(void)
{
    now_us = 1000 * SECOND;
    breaker_init(&breaker, &rules);
}

static void
call(enum breaker_result result)
{
    uint64_t ticket = breaker_enter(&breaker, now_us);

    ck_assert_uint_ne(ticket, 0);
    breaker_leave(&breaker, ticket, result, now_us);
}

static void
calls(int count, enum breaker_result result)
{
    while (count-- > 0)
        call(result);
}

static void
expect(enum breaker_state state)
{
    ck_assert_int_eq(breaker_state(&breaker, now_us), state);
}

/* Fails until it is open. */
static void
trip(void)
{
    calls(5, BREAKER_BAD);
    expect(BREAKER_OPEN);
}

START_TEST(it_is_closed_at_first_and_lets_all_through)
{
    expect(BREAKER_CLOSED);
    ck_assert_int_eq(breaker_ready_us(&breaker, now_us), now_us);
    calls(100, BREAKER_GOOD);
    expect(BREAKER_CLOSED);
}
END_TEST

START_TEST(the_fifth_failure_opens_it)
{
    calls(4, BREAKER_BAD);
    expect(BREAKER_CLOSED);
    call(BREAKER_BAD);
    expect(BREAKER_OPEN);
    ck_assert_uint_eq(breaker_enter(&breaker, now_us), 0);
    ck_assert_int_eq(breaker_ready_us(&breaker, now_us), now_us + rules.open_us);
}
END_TEST

START_TEST(fewer_failures_than_half_open_it_not)
{
    for (int i = 0; i < 200; i++) { /* of three calls one fails: 6 or 7 of 20 */
        calls(2, BREAKER_GOOD);
        call(BREAKER_BAD);
    }
    expect(BREAKER_CLOSED);
}
END_TEST

START_TEST(half_of_the_last_twenty_open_it)
{
    calls(20, BREAKER_GOOD);
    calls(9, BREAKER_BAD); /* 9 of 20 */
    expect(BREAKER_CLOSED);
    call(BREAKER_BAD);
    expect(BREAKER_OPEN);
}
END_TEST

START_TEST(what_failed_longer_than_a_minute_ago_counts_no_more)
{
    calls(4, BREAKER_BAD);
    now_us += BREAKER_WINDOW_US + 1;
    calls(4, BREAKER_BAD);
    expect(BREAKER_CLOSED);
    now_us += BREAKER_WINDOW_US; /* those four are just within it */
    call(BREAKER_BAD);
    expect(BREAKER_OPEN);
}
END_TEST

START_TEST(what_says_nothing_of_the_model_counts_neither_way)
{
    calls(4, BREAKER_BAD);
    calls(100, BREAKER_NEITHER);
    expect(BREAKER_CLOSED);
    call(BREAKER_BAD);
    expect(BREAKER_OPEN);
}
END_TEST

START_TEST(half_open_it_lets_exactly_one_probe_through)
{
    uint64_t probe;

    trip();
    now_us += rules.open_us - 1;
    expect(BREAKER_OPEN);
    ck_assert_uint_eq(breaker_enter(&breaker, now_us), 0);
    now_us++;
    expect(BREAKER_HALF_OPEN);
    probe = breaker_enter(&breaker, now_us);
    ck_assert_uint_ne(probe, 0);
    for (int i = 0; i < 100; i++) {
        now_us += SECOND;
        ck_assert_uint_eq(breaker_enter(&breaker, now_us), 0);
        ck_assert_int_eq(breaker_ready_us(&breaker, now_us), INT64_MAX);
    }
    breaker_leave(&breaker, probe, BREAKER_GOOD, now_us);
    expect(BREAKER_CLOSED);
    calls(10, BREAKER_GOOD);
}
END_TEST

START_TEST(a_probe_that_says_nothing_leaves_the_next_call_to_be_one)
{
    trip();
    now_us += rules.open_us;
    call(BREAKER_NEITHER);
    expect(BREAKER_HALF_OPEN);
    call(BREAKER_GOOD);
    expect(BREAKER_CLOSED);
}
END_TEST

START_TEST(each_probe_that_fails_doubles_the_time_up_to_ten_minutes)
{
    static const int seconds[] = {30, 60, 120, 240, 480, 600, 600, 600};

    trip();
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        ck_assert_int_eq(breaker_ready_us(&breaker, now_us), now_us + seconds[i] * SECOND);
        now_us += seconds[i] * SECOND;
        call(BREAKER_BAD);
        expect(BREAKER_OPEN);
    }
}
END_TEST

START_TEST(once_closed_it_begins_anew)
{
    trip();
    now_us += rules.open_us;
    call(BREAKER_BAD);
    now_us += 2 * rules.open_us;
    call(BREAKER_GOOD);
    calls(4, BREAKER_BAD); /* the failures of before are forgotten */
    expect(BREAKER_CLOSED);
    call(BREAKER_BAD);
    ck_assert_int_eq(breaker_ready_us(&breaker, now_us), now_us + rules.open_us);
}
END_TEST

/* Two hundred under way when it opens: none of them opens it further, closes it, or is taken
 * for the probe. */
START_TEST(calls_from_before_it_opened_come_too_late)
{
    uint64_t late[200];

    for (size_t i = 0; i < 200; i++)
        late[i] = breaker_enter(&breaker, now_us);
    trip();
    for (size_t i = 0; i < 60; i++)
        breaker_leave(&breaker, late[i], BREAKER_BAD, now_us);
    ck_assert_int_eq(breaker_ready_us(&breaker, now_us), now_us + rules.open_us);
    breaker_leave(&breaker, late[60], BREAKER_GOOD, now_us);
    expect(BREAKER_OPEN);
    now_us += rules.open_us;
    ck_assert_uint_ne(breaker_enter(&breaker, now_us), 0);
    breaker_leave(&breaker, late[61], BREAKER_GOOD, now_us);
    ck_assert_uint_eq(breaker_enter(&breaker, now_us), 0); /* the probe is still under way */
    expect(BREAKER_HALF_OPEN);
}
END_TEST

START_TEST(calls_from_before_it_closed_are_not_counted_after)
{
    uint64_t late[10];

    for (size_t i = 0; i < 10; i++)
        late[i] = breaker_enter(&breaker, now_us);
    trip();
    now_us += rules.open_us;
    call(BREAKER_GOOD);
    for (size_t i = 0; i < 10; i++)
        breaker_leave(&breaker, late[i], BREAKER_BAD, now_us);
    expect(BREAKER_CLOSED);
}
END_TEST

START_TEST(it_can_be_held_open_and_then_tries_with_one_probe)
{
    breaker_hold(&breaker, now_us + 5 * SECOND);
    expect(BREAKER_OPEN);
    breaker_hold(&breaker, now_us + 2 * SECOND); /* the longer one holds */
    ck_assert_int_eq(breaker_ready_us(&breaker, now_us), now_us + 5 * SECOND);
    now_us += 5 * SECOND;
    ck_assert_uint_ne(breaker_enter(&breaker, now_us), 0);
    ck_assert_uint_eq(breaker_enter(&breaker, now_us), 0);
}
END_TEST

START_TEST(a_hold_lengthens_no_later_opening)
{
    breaker_hold(&breaker, now_us + 900 * SECOND);
    now_us += 900 * SECOND;
    call(BREAKER_BAD);
    ck_assert_int_eq(breaker_ready_us(&breaker, now_us), now_us + rules.open_us);
}
END_TEST

START_TEST(it_is_open_no_longer_than_at_most)
{
    const struct breaker_rules short_rules = {.failures = 1, .open_us = 50, .most_open_us = 20};

    breaker_init(&breaker, &short_rules);
    call(BREAKER_BAD);
    ck_assert_int_eq(breaker_ready_us(&breaker, now_us), now_us + 20);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("breaker");
    TCase *tcase = suite_case(suite, "breaker", setup, NULL);

    suite_tests(tcase, it_is_closed_at_first_and_lets_all_through, the_fifth_failure_opens_it,
                fewer_failures_than_half_open_it_not, half_of_the_last_twenty_open_it,
                what_failed_longer_than_a_minute_ago_counts_no_more,
                what_says_nothing_of_the_model_counts_neither_way,
                half_open_it_lets_exactly_one_probe_through,
                a_probe_that_says_nothing_leaves_the_next_call_to_be_one,
                each_probe_that_fails_doubles_the_time_up_to_ten_minutes,
                once_closed_it_begins_anew, calls_from_before_it_opened_come_too_late,
                calls_from_before_it_closed_are_not_counted_after,
                it_can_be_held_open_and_then_tries_with_one_probe,
                a_hold_lengthens_no_later_opening, it_is_open_no_longer_than_at_most);
    return suite_run(suite);
}
