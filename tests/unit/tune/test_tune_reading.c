/* How the file of a tune is read, as its request says. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/tune/tune_job_help.h"

/* The same file three times, each reading another one, whatever the cache holds. */
static const struct {
    const char *timezone, *first, *zone;
} zones[] = {{"", "2019-01-01T00:00:00.000Z", "UTC"},
             {"Asia/Tokyo", "2019-01-01T00:00:00.000+09:00", "Asia/Tokyo"},
             {"-05:00", "2019-01-01T00:00:00.000-05:00", "-05:00"}};

START_TEST(the_requests_zone_is_that_of_the_file)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        const char *const fields[] = {"n_trials", "2", "timezone", zones[i].timezone, NULL};
        char answer[200];

        tune_world_job(&world, "bb_reversal", fields);
        tune_world_run(&world);
        ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
        snprintf(answer, sizeof(answer), "%s|%s|%s", zones[i].first, zones[i].zone,
                 zones[i].timezone);
        tune_world_expect(&world,
                          "SELECT dataset->>'first', dataset->>'timezone',"
                          " coalesce(request->>'timezone', '') FROM backtest_tunes"
                          " WHERE id = $ID",
                          answer);
    }
}
END_TEST

#define BARS 40

/* Rows of two symbols, one of them without the close in every tenth. */
static void
write_symbols(char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "symbol,date,open,high,low,close,volume\n");

    for (int i = 0; i < BARS; i++) {
        used += (size_t)snprintf(out + used, size - used, "AAA,2020-%02d-%02d,10,11,9,10,100\n",
                                 1 + i / 28, 1 + i % 28);
        used +=
            (size_t)snprintf(out + used, size - used, "BBB,2020-%02d-%02d,20,21,19,%s,100\n",
                             1 + i / 28, 1 + i % 28, i % 10 ? "20" : "");
    }
}

static const struct {
    const char *symbol, *dropped, *bars, *refused;
} readings[] = {{"AAA", "5", "40", NULL},
                {"BBB", "10", "36", NULL},
                {"BBB", "9.9", NULL, "in 4 of 40 rows (10.0 %)"},
                {"", "10", NULL, "several symbols (AAA, BBB)"},
                {"CCC", "10", NULL, "the symbol CCC is not in the file"}};

START_TEST(symbol_and_what_may_be_dropped_are_the_requests)
{
    const char *const fields[] = {"n_trials",
                                  "2",
                                  "param_space",
                                  "{\"period\":[5,6]}",
                                  "symbol",
                                  readings[_i].symbol,
                                  "allow_dropped_pct",
                                  readings[_i].dropped,
                                  NULL};
    char csv[8000];

    write_symbols(csv, sizeof(csv));
    tune_world_data(&world, csv, strlen(csv));
    tune_world_job(&world, "bb_reversal", fields);
    tune_world_run(&world);
    if (!readings[_i].refused) {
        ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
        tune_world_expect(&world,
                          "SELECT dataset->>'bars', dataset->>'notes' LIKE '%other symbols%'"
                          " FROM backtest_tunes",
                          strcmp(readings[_i].bars, "40") == 0 ? "40|t" : "36|t");
        return;
    }
    ck_assert_int_eq(world.end.err, TM_DATA_PARSE_FAILED);
    ck_assert_msg(strstr(world.end.detail, readings[_i].refused) != NULL, "%s",
                  world.end.detail);
}
END_TEST

TCase *
tune_job_reading(void)
{
    TCase *tcase = case_new("reading", NULL, NULL);

    suite_rows(tcase, symbol_and_what_may_be_dropped_are_the_requests, readings);
    suite_tests(tcase, the_requests_zone_is_that_of_the_file);
    return tcase;
}
