/* Moments as they are read, numbers as they are written. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/kit/fields/dates.h"
#include "actors/kit/fields/json_text.h"
#include "tests/support/suite.h"

TCase *written_values(void);

static const struct {
    const char *text;
    int64_t ms;
    bool is_day, is_utc;
} moments[] = {
    {"1970-01-02", 86400000, true, false},
    {"1970-01-02T00:00", 86400000, false, false},
    {"1970-01-02T09:30", 120600000, false, false},
    {"1970-01-02 09:30:15.25", 120615250, false, false},
    {"1970-01-02T09:30:15.1234567", 120615123, false, false},
    {"1970-01-02T09:30Z", 120600000, false, true},
    {"1970-01-02T09:30+09:00", 88200000, false, true},
    {"1970-01-02T09:30:00-0330", 133200000, false, true},
    {"1969-12-31T23:59:59.999Z", -1, false, true},
};

START_TEST(a_moment_is_what_its_clocks_show_unless_it_says_where_they_are)
{
    struct dates_moment moment;

    ck_assert(dates_moment(moments[_i].text, &moment));
    ck_assert_int_eq(moment.ms, moments[_i].ms);
    ck_assert_int_eq(moment.is_day, moments[_i].is_day);
    ck_assert_int_eq(moment.is_utc, moments[_i].is_utc);
}
END_TEST

/* --- numbers as they are written ---------------------------------------------------------- */

static const struct {
    double value;
    const char *text;
} numbers[] = {{113.6, "113.6"},
               {0.1, "0.1"},
               {0.1 + 0.2, "0.30000000000000004"},
               {1.0 / 3, "0.3333333333333333"},
               {-2.5, "-2.5"},
               {100, "100.0"},
               {1e21, "1e21"},
               {1.5e-7, "1.5e-7"},
               {-1.7976931348623157e308, "-1.7976931348623157e308"},
               {5e-324, "5e-324"},
               {123456789012345.6, "123456789012345.6"}};

START_TEST(a_number_is_the_shortest_that_reads_back)
{
    json_t *value = json_pack("{s:f, s:[f, I, s]}", "a", numbers[_i].value, "b 0.1000",
                              numbers[_i].value, (json_int_t)1234567890123456789,
                              "113.59999999999999 \\\" 0.10000000000000001");
    char *text = json_text_of(value, JSON_COMPACT | JSON_PRESERVE_ORDER), wanted[300];
    json_t *again;

    snprintf(wanted, sizeof wanted,
             "{\"a\":%s,\"b 0.1000\":[%s,1234567890123456789,"
             "\"113.59999999999999 \\\\\\\" 0.10000000000000001\"]}",
             numbers[_i].text, numbers[_i].text);
    ck_assert_str_eq(text, wanted);
    again = json_loads(text, 0, NULL);
    ck_assert(json_real_value(json_object_get(again, "a")) == numbers[_i].value);
    json_decref(again);
    json_decref(value);
    free(text);
}
END_TEST

TCase *
written_values(void)
{
    TCase *tcase = case_new("written", NULL, NULL);

    suite_rows(tcase, a_moment_is_what_its_clocks_show_unless_it_says_where_they_are, moments);
    suite_rows(tcase, a_number_is_the_shortest_that_reads_back, numbers);
    return tcase;
}
