#include <check.h>
#include <stdlib.h>

#include "actors/health/window.h"
#include "tests/support/suite.h"

enum { SPAN_MS = 60000, PART_MS = SPAN_MS / WINDOW_PARTS };

static struct window window;
static int64_t now_ms;

static void
setup(void)
{
    now_ms = 5000000;
    window_init(&window, SPAN_MS);
}

static double
look(double total, int64_t after_ms)
{
    now_ms += after_ms;
    return window_look(&window, total, now_ms);
}

START_TEST(the_first_total_is_what_was_before)
{
    ck_assert_double_eq(look(500, 0), 0);
    ck_assert_double_eq(window_sum(&window), 0);
}
END_TEST

START_TEST(growth_is_summed)
{
    look(500, 0);
    ck_assert_double_eq(look(503, PART_MS), 3);
    ck_assert_double_eq(look(503, 1), 0);
    ck_assert_double_eq(look(510, PART_MS), 7);
    ck_assert_double_eq(window_sum(&window), 10);
}
END_TEST

START_TEST(what_is_older_than_the_window_is_forgotten)
{
    look(0, 0);
    look(5, 0);
    look(7, SPAN_MS / 2);
    ck_assert_double_eq(window_sum(&window), 7);
    look(7, SPAN_MS / 2);
    ck_assert_double_eq(window_sum(&window), 2);
    look(7, INT64_C(100) * SPAN_MS);
    ck_assert_double_eq(window_sum(&window), 0);
    look(8, 0);
    ck_assert_double_eq(window_sum(&window), 1);
}
END_TEST

START_TEST(a_total_that_falls_has_not_grown)
{
    look(100, 0);
    ck_assert_double_eq(look(40, PART_MS), 0);
    ck_assert_double_eq(look(45, PART_MS), 5);
    ck_assert_double_eq(window_sum(&window), 5);
}
END_TEST

START_TEST(what_had_grown_before_is_of_the_window_as_long_as_it_is_not_older)
{
    const int64_t then_ms = INT64_C(10) * SPAN_MS;

    window_restore(&window, 3, 0, then_ms);
    window_restore(&window, 4, SPAN_MS / 2, then_ms);
    window_restore(&window, 5, SPAN_MS + PART_MS, then_ms);
    ck_assert_double_eq(window_sum(&window), 7);
    window_look(&window, 100, then_ms + SPAN_MS / 2 + PART_MS);
    ck_assert_double_eq(window_sum(&window), 3);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("health_window");
    TCase *tcase = suite_case(suite, "window", setup, NULL);

    suite_tests(tcase, the_first_total_is_what_was_before, growth_is_summed,
                what_is_older_than_the_window_is_forgotten, a_total_that_falls_has_not_grown,
                what_had_grown_before_is_of_the_window_as_long_as_it_is_not_older);
    return suite_run(suite);
}
