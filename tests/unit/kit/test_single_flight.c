#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/single_flight.h"
#include "tests/support/suite.h"

enum { GIVEN_MOST = 64 };

struct work {
    struct flight flight;
    int key;
    bool is_old;
};

static single_flight_t *flights;
static uintptr_t given[GIVEN_MOST];
static size_t given_count;

static void
set_up(void)
{
    flights = single_flight_new(sizeof(int));
    given_count = 0;
}

static void
tear_down(void)
{
    single_flight_destroy(&flights);
    ck_assert_ptr_null(flights);
}

static struct work *
find(int key)
{
    return (struct work *)single_flight_find(flights, &key, NULL, NULL);
}

static void
begin(struct work *work, int key)
{
    *work = (struct work){.key = key};
    single_flight_begin(flights, &work->flight, &work->key);
}

static void
give(void *waiter, void *arg)
{
    ck_assert_uint_lt(given_count, GIVEN_MOST);
    ck_assert_ptr_null(find(*(const int *)arg)); /* whoever hears of it may ask anew */
    given[given_count++] = (uintptr_t)waiter;
}

static void
end(struct work *work)
{
    int key = work->key;

    single_flight_end(flights, &work->flight, give, &key);
}

START_TEST(all_who_joined_are_given_the_outcome_in_their_order)
{
    struct work work;

    ck_assert_ptr_null(find(7));
    begin(&work, 7);
    for (uintptr_t i = 1; i <= 9; i++) {
        ck_assert_ptr_eq(find(7), &work);
        flight_join(&work.flight, (void *)i);
    }
    end(&work);
    ck_assert_uint_eq(given_count, 9);
    for (uintptr_t i = 0; i < 9; i++)
        ck_assert_uint_eq(given[i], i + 1);
}
END_TEST

START_TEST(another_key_is_another_flight)
{
    struct work works[1000];

    for (int i = 0; i < 1000; i++) {
        ck_assert_ptr_null(find(i));
        begin(&works[i], i);
    }
    ck_assert_uint_eq(single_flight_count(flights), 1000);
    for (int i = 0; i < 1000; i += 2)
        single_flight_end(flights, &works[i].flight, NULL, NULL);
    for (int i = 0; i < 1000; i++)
        ck_assert_ptr_eq(find(i), i % 2 ? &works[i] : NULL);
    for (int i = 1; i < 1000; i += 2)
        end(&works[i]);
    ck_assert_uint_eq(single_flight_count(flights), 0);
}
END_TEST

static bool
is_new(const struct flight *flight, void *arg)
{
    ck_assert_str_eq(arg, "arg");
    return !((const struct work *)(const void *)flight)->is_old;
}

START_TEST(one_that_is_not_open_is_passed_over)
{
    struct work older, newer;
    char arg[] = "arg";
    int key = 7;

    begin(&older, key);
    begin(&newer, key);
    ck_assert_ptr_eq(find(key), &newer);
    ck_assert_ptr_eq(single_flight_find(flights, &key, is_new, arg), &newer.flight);
    newer.is_old = true;
    ck_assert_ptr_eq(single_flight_find(flights, &key, is_new, arg), &older.flight);
    older.is_old = true;
    ck_assert_ptr_null(single_flight_find(flights, &key, is_new, arg));
    single_flight_end(flights, &older.flight, NULL, NULL);
    ck_assert_ptr_eq(find(key), &newer);
    end(&newer);
}
END_TEST

START_TEST(every_flight_is_walked_once)
{
    struct work works[600];
    struct flight *at = NULL;
    size_t count = 0;

    ck_assert_ptr_null(single_flight_next(flights, NULL));
    for (int i = 0; i < 600; i++)
        begin(&works[i], i / 2);
    while ((at = single_flight_next(flights, at))) {
        struct work *work = (struct work *)(void *)at;

        ck_assert(!work->is_old);
        work->is_old = true;
        count++;
    }
    ck_assert_uint_eq(count, 600);
    while ((at = single_flight_next(flights, NULL)))
        single_flight_end(flights, at, NULL, NULL);
    ck_assert_uint_eq(single_flight_count(flights), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("single_flight");
    TCase *tcase = suite_case(suite, "flights", set_up, tear_down);

    suite_tests(tcase, all_who_joined_are_given_the_outcome_in_their_order,
                another_key_is_another_flight, one_that_is_not_open_is_passed_over,
                every_flight_is_walked_once);
    return suite_run(suite);
}
