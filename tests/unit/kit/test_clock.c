#include <check.h>
#include <stdlib.h>

#include "actors/kit/util/clock.h"
#include "tests/support/suite.h"

static const struct {
    const char *text;
    int64_t ms; /* -1: no time */
} texts[] = {
    {"1970-01-01T00:00:00.000Z", 0},
    {"2026-11-24T05:00:00.007Z", 1795496400007},
    {"2026-11-24T05:00:00.007Z\",\"more\"", 1795496400007},
    {"2026-11-24T05:00:00.07Z", -1},
    {"2026-11-24T05:00:00.-07Z", -1},
    {"2026-11-24T05:00:00Z", -1},
    {"2026-11-24 05:00:00.000Z", -1},
    {"2026-13-24T05:00:00.000Z", -1},
    {"", -1},
};

START_TEST(a_time_is_read_or_is_none)
{
    ck_assert_int_eq(clock_parse(texts[_i].text), texts[_i].ms);
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
    int64_t now_ms = clock_utc_ms();
    char text[CLOCK_TEXT];

    ck_assert_int_eq(clock_parse(clock_text(now_ms, text)), now_ms);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = suite_case(suite, "clock", NULL, NULL);

    suite_rows(tcase, a_time_is_read_or_is_none, texts);
    suite_tests(tcase, what_is_written_is_read_again);
    return suite_run(suite);
}
