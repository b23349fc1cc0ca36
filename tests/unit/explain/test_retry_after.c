#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#include "actors/kit/sentry/retry_after.h"
#include "tests/support/suite.h"

/* Tue, 24 Nov 2026 05:00:00 GMT, and a half second */
#define NOW_MS INT64_C(1795496400500)

static const struct {
    const char *text, *exact;
    int64_t ms;
} cases[] = {
    {NULL, NULL, -1},
    {"", "", -1},
    {" ", "\t", -1},
    /* seconds */
    {"0", NULL, 0},
    {"1", NULL, 1000},
    {" 120 ", NULL, 120000},
    {"007", NULL, 7000},
    {"0.25", NULL, 250},
    {"1.5", NULL, 1500},
    {"1.0009", NULL, 1000},
    {"2.99999999999999999999999", NULL, 2999},
    {"1000000000", NULL, RETRY_AFTER_MOST_MS},
    {"999999999", NULL, 999999999000},
    {"99999999999999999999999999999999999999", NULL, RETRY_AFTER_MOST_MS},
    /* no seconds */
    {"-1", NULL, -1},
    {"-0", NULL, -1},
    {"+5", NULL, -1},
    {"1e3", NULL, -1},
    {"0x10", NULL, -1},
    {"1.", NULL, -1},
    {".5", NULL, -1},
    {"1 2", NULL, -1},
    {"5s", NULL, -1},
    {"1,5", NULL, -1},
    {"soon", NULL, -1},
    {"Infinity", NULL, -1},
    {"\xff\xfe", NULL, -1},
    /* dates, in the three forms */
    {"Tue, 24 Nov 2026 05:00:30 GMT", NULL, 29500},
    {"Tuesday, 24-Nov-26 05:00:30 GMT", NULL, 29500},
    {"Tue Nov 24 05:00:30 2026", NULL, 29500},
    {"Tue, 24 Nov 2026 05:00:00 GMT", NULL, 0}, /* now */
    {"Tue, 24 Nov 2026 04:59:00 GMT", NULL, 0},
    {"Thu, 01 Jan 1970 00:00:00 GMT", NULL, 0},
    {"Sun, 06 Nov 1994 08:49:37 GMT", NULL, 0},
    {"Fri, 31 Dec 2060 23:59:59 GMT", NULL, RETRY_AFTER_MOST_MS},
    /* no dates */
    {"Tue, 24 Nov 2026", NULL, -1}, /* no time */
    {"Tue, 99 Nov 2026 05:00:30 GMT", NULL, -1},
    {"Tue, 24 Foo 2026 05:00:30 GMT", NULL, -1},
    {"2026-11-24T05:00:30Z", NULL, -1},
    {"12:00", NULL, -1},
    /* milliseconds win where they are some */
    {NULL, "250", 250},
    {"7", "250", 250},
    {"7", "0", 0},
    {"7", "250.9", 250},
    {"7", "-250", 7000},
    {"7", "soon", 7000},
    {"soon", "soon", -1},
    {NULL, "1000000000000000000000", RETRY_AFTER_MOST_MS},
};

START_TEST(a_header_is_read_as_it_was_meant)
{
    int64_t ms = retry_after_ms(cases[_i].text, cases[_i].exact, NOW_MS);

    ck_assert_msg(ms == cases[_i].ms, "\"%s\", \"%s\": %" PRId64 ", not %" PRId64,
                  cases[_i].text ? cases[_i].text : "", cases[_i].exact ? cases[_i].exact : "",
                  ms, cases[_i].ms);
}
END_TEST

/* Whatever the time of day here: before 1970 too, should a clock be that wrong. */
START_TEST(the_time_is_what_the_caller_says)
{
    const char *date = "Thu, 01 Jan 1970 00:00:10 GMT";

    ck_assert_int_eq(retry_after_ms(date, NULL, 0), 10000);
    ck_assert_int_eq(retry_after_ms(date, NULL, 9999), 1);
    ck_assert_int_eq(retry_after_ms(date, NULL, 10000), 0);
    ck_assert_int_eq(retry_after_ms(date, NULL, -5000), 15000);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("retry_after");
    TCase *tcase = suite_case(suite, "retry_after", NULL, NULL);

    suite_rows(tcase, a_header_is_read_as_it_was_meant, cases);
    suite_tests(tcase, the_time_is_what_the_caller_says);
    return suite_run(suite);
}
