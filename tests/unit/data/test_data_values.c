/* What stands in one cell: stamps and decimals. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/data/time/stamp.h"
#include "actors/tune/engine/decimal.h"
#include "tests/support/suite.h"

static const struct {
    const char *text;
    int64_t ms;
    enum stamp_order order;
} good_ones[] = {
    {"2020-01-02", 1577923200000, 0},
    {"20200102", 1577923200000, 0},
    {"2020-01-02 03:04", 1577934240000, 0},
    {"2020-01-02T03:04:05Z", 1577934245000, 0},
    {"2020-01-02T03:04:05.678", 1577934245678, 0},
    {"2020-01-02T03:04:05+02:00", 1577927045000, 0},
    {"2020-01-02 03:04:05-0530", 1577954045000, 0},
    {"2020-01-02 03:04:05 +00", 1577934245000, 0},
    {"2020-1-2", 1577923200000, 0},
    {"2020/01/02", 1577923200000, 0},
    {"20200102 030405", 1577934245000, 0},
    {"20200102030405", 1577934245000, 0},
    {"20200102030405678", 1577934245678, 0},
    {"202001020304", 1577934240000, 0},
    {"2020010203", 1577934000000, 0},
    {"02.01.2020", 1577923200000, 0},
    {"02.01.2020 03:04:05.000 GMT+0100", 1577930645000, 0},
    {"Jan 2, 2020", 1577923200000, 0},
    {"January 2 2020", 1577923200000, 0},
    {"2 Jan 2020", 1577923200000, 0},
    {"02-Jan-2020", 1577923200000, 0},
    {"Thursday, January 2, 2020, 3:04 AM", 1577934240000, 0},
    {"2020-01-02 03-AM", 1577934000000, 0},
    {"2020-01-02 12:04 AM UTC", 1577923440000, 0},
    {"02/01/2020", 1577923200000, STAMP_DAY_FIRST},
    {"01/02/2020", 1577923200000, STAMP_MONTH_FIRST},
    {"1969-12-31", -86400000, 0},
    {"2000-02-29", 951782400000, 0},
};
static const char *const bad_ones[] = {"",
                                       "2020-13-01",
                                       "2021-02-29",
                                       "2020-01-02X",
                                       "12:00",
                                       "2020-01-02T25:00",
                                       "2020-01-02T10:60",
                                       "1e300",
                                       "nan",
                                       "2020-01-02T10:00+2",
                                       "01/02/2020",
                                       "0",
                                       "1577934245",
                                       "2020-01-02T",
                                       "2020-01-02-05",
                                       "2020-01/02",
                                       "Jan 2",
                                       "1/2/20",
                                       "13:00 PM",
                                       "2020-01-02 13:00 PM",
                                       "2020-01-02 10:00 EST",
                                       "03012022",
                                       "2020-01-02 10:00 +99:00"};
START_TEST(stamps_are_read_in_every_form)
{
    struct stamp stamp;

    for (size_t i = 0; i < sizeof good_ones / sizeof good_ones[0]; i++) {
        const char *text = good_ones[i].text;

        ck_assert_msg(stamp_read(text, strlen(text), good_ones[i].order, &stamp), "%s", text);
        ck_assert_msg(stamp.local_ms - stamp.offset_s * INT64_C(1000) == good_ones[i].ms,
                      "%s: %" PRId64, text, stamp.local_ms);
    }
    for (size_t i = 0; i < sizeof bad_ones / sizeof bad_ones[0]; i++)
        ck_assert_msg(!stamp_read(bad_ones[i], strlen(bad_ones[i]), STAMP_UNKNOWN, &stamp),
                      "%s", bad_ones[i]);
}
END_TEST

START_TEST(decimals_are_rounded_as_strtod_does)
{
    uint64_t state = 7;

    for (int i = 0; i < 300000; i++) {
        char text[64];
        double value;

        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const int digits = (int)(state >> 60) + 4;
        snprintf(text, sizeof text, i % 3 ? "%.*g" : "%.*e", digits,
                 (double)(state >> 8) * 1e-9 / (double)(1 + (state & 0xffffff)));
        ck_assert_msg(decimal_parse(text, strlen(text), &value), "%s", text);
        ck_assert_msg(value == strtod(text, NULL), "%s", text);
    }
}
END_TEST

START_TEST(hard_decimals_are_rounded_right)
{
    static const char *const texts[] = {
        "9007199254740993",
        "9007199254740992.999999999999",
        "0.1",
        "1e22",
        "1e23",
        "123456789012345678901234567890",
        "2.2250738585072014e-308",
        "4.9e-324",
        "1e-400",
        "179769313486231580793728971405303415e273",
        "0.000000000000000000000000000001",
        "-0",
        "+7.",
        ".5",
        "00000000000000000000000000000012.5",
        "1.00000000000000011102230246251565404",
    };
    double value;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ck_assert_msg(decimal_parse(texts[i], strlen(texts[i]), &value), "%s", texts[i]);
        ck_assert_msg(value == strtod(texts[i], NULL), "%s: %.17g", texts[i], value);
    }
}
END_TEST

START_TEST(what_is_no_decimal_is_refused)
{
    static const char *const texts[] = {"",    ".",  "-",  "e5",  "1e",    "0x10", "inf",
                                        "nan", "1 ", " 1", "1,5", "1.2.3", "--1",  "1e+"};
    double value;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(!decimal_parse(texts[i], strlen(texts[i]), &value), "\"%s\"", texts[i]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("data_values");
    TCase *values = suite_case(suite, "values", NULL, NULL);

    suite_tests(values, stamps_are_read_in_every_form, decimals_are_rounded_as_strtod_does,
                hard_decimals_are_rounded_right, what_is_no_decimal_is_refused);
    return suite_run(suite);
}
