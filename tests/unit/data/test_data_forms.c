/* One series in every form that vendors write: the same bars to the last bit, or a refusal. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/data/data.h"
#include "tests/support/suite.h"
#include "tests/unit/data/market_file.h"

#define BARS 76 /* days over a change of the clocks; more than twelve of a month */

static struct {
    size_t read, refused;
} seen;

/* What is wrong with a bar; NULL if nothing is. A check of the framework costs a write, and
 * there are millions of bars. */
static const char *
fault_of(const struct market_form *form, const bars_t *canon, const bars_t *bars, size_t i)
{
    const bool has_offset = form->date < DATE_SECONDS || market_timezone(form);
    const int64_t local_ms =
        bars->time_ms[i] + (bars->offset_s ? bars->offset_s[i] * INT64_C(1000) : 0);

    if (bars->time_ms[i] != market_utc_ms(form, canon->time_ms[i]))
        return "another instant";
    if (has_offset && local_ms != canon->time_ms[i])
        return "another local time";
    if (bars->open[i] != canon->open[i] || bars->high[i] != canon->high[i] ||
        bars->low[i] != canon->low[i] || bars->close[i] != canon->close[i])
        return "other prices";
    return bars->volume[i] != canon->volume[i] ? "another volume" : NULL;
}

static void
compare(const struct market_form *form, const bars_t *canon, const bars_t *bars)
{
    ck_assert_msg(bars->count == canon->count, "%s: %zu bars", market_name(form), bars->count);
    for (size_t i = 0; i < canon->count; i++) {
        const char *fault = fault_of(form, canon, bars, i);

        if (fault)
            ck_abort_msg("%s: bar %zu has %s", market_name(form), i, fault);
    }
}

static void
read_form(const struct market_form *form, const bars_t *canon)
{
    struct data_options options = DATA_OPTIONS_DEFAULT;
    struct data_report report;
    bars_t *bars = NULL;
    size_t size;
    char *text = market_file(form, canon, &size);

    if (!text)
        return;
    options.timezone = market_timezone(form);
    const tm_err_t err = data_read(text, size, &options, &report, &bars);
    if (err) {
        ck_assert_int_eq(err, TM_DATA_PARSE_FAILED);
        ck_assert_str_ne(report.error, "");
        if (seen.refused++ < 10)
            printf("refused: %s: %s\n", market_name(form), report.error);
    } else {
        ck_assert_msg(report.warning_count == 0, "%s: %s", market_name(form),
                      report.warnings[0]);
        compare(form, canon, bars);
        seen.read++;
    }
    bars_destroy(&bars);
    free(text);
}

static void
read_all(int64_t step_ms, enum market_number numbers)
{
    static const char separators[] = ",;\t|";
    bars_t *canon = market_series(BARS, step_ms);
    struct market_form form;

    ck_assert_ptr_nonnull(canon);
    seen.read = seen.refused = 0;
    for (form.layout = 0; form.layout < LAYOUTS; form.layout++)
        for (size_t s = 0; (form.separator = separators[s]) != '\0'; s++)
            for (form.date = 0; form.date < DATES; form.date++)
                for (form.zone = 0; form.zone < ZONES; form.zone++)
                    for (form.number = 0; form.number < numbers; form.number++)
                        read_form(&form, canon);
    printf("%zu forms read, %zu refused\n", seen.read, seen.refused);
    bars_destroy(&canon);
}

START_TEST(daily_bars_are_the_same_in_every_form)
{
    read_all(BARS_DAY_MS, NUMBERS);
    ck_assert_uint_ge(seen.read, 5000);
    ck_assert_uint_eq(seen.refused, 0);
}
END_TEST

/* Two bars a day: 00:00 and 12:00 are in no gap and no fold of a clock. A form of days alone
 * has two bars of one time, which is refused. */
START_TEST(bars_within_a_day_are_the_same_or_refused)
{
    read_all(BARS_DAY_MS / 2, NUMBER_COMMA);
    ck_assert_uint_ge(seen.read, 2000);
    ck_assert_uint_ge(seen.refused, 100);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("data_forms");
    TCase *forms = suite_case(suite, "forms", NULL, NULL);

    suite_tests(forms, daily_bars_are_the_same_in_every_form,
                bars_within_a_day_are_the_same_or_refused);
    return suite_run(suite);
}
