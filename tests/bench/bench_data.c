/* bench_data - what reading market data costs, a JSON line for each layout: MB of the file a
 * second of one processor.
 *
 *   bench_data [megabytes, 50] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "actors/tune/data/data.h"
#include "tests/unit/data/market_file.h"

static double
cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
bench(const struct market_form *form, const bars_t *series)
{
    struct data_options options = DATA_OPTIONS_DEFAULT;
    struct data_report report;
    size_t size = 0;
    char *text = market_file(form, series, &size);
    double best = 0;

    if (!text)
        return;
    options.timezone = market_timezone(form);
    for (int i = 0; i < 3; i++) {
        bars_t *bars = NULL;
        const double start = cpu_seconds();

        if (data_read(text, size, &options, &report, &bars) != TM_OK)
            fprintf(stderr, "%s: %s\n", market_name(form), report.error);
        const double rate = (double)size / 1e6 / (cpu_seconds() - start);
        best = rate > best ? rate : best;
        bars_destroy(&bars);
    }
    printf("{\"bench\":\"data\",\"form\":\"%s\",\"bytes\":%zu,\"rows\":%zu,"
           "\"mb_per_second\":%.0f}\n",
           market_name(form), size, report.rows, best);
    fflush(stdout);
    free(text);
}

int
main(int argc, char **argv)
{
    static const struct market_form forms[] = {
        {LAYOUT_PLAIN, ',', DATE_DAY, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_PLAIN, ',', DATE_T, ZONE_Z, NUMBER_PLAIN},
        {LAYOUT_PLAIN, ',', DATE_SECONDS, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_ADJUSTED, ',', DATE_BLANK, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_PLAIN, ',', DATE_BLANK, ZONE_FIXED, NUMBER_PLAIN},
        {LAYOUT_PLAIN, ',', DATE_BLANK, ZONE_NEW_YORK, NUMBER_PLAIN},
        {LAYOUT_PLAIN, ';', DATE_GERMAN, ZONE_NONE, NUMBER_EUROPEAN},
        {LAYOUT_PLAIN, ',', DATE_DUKASCOPY, ZONE_FIXED, NUMBER_PLAIN},
        {LAYOUT_PLAIN, ',', DATE_NAME, ZONE_NONE, NUMBER_ENGLISH},
        {LAYOUT_INVESTING, ',', DATE_AMERICAN, ZONE_NONE, NUMBER_UNITS},
        {LAYOUT_NASDAQ, ',', DATE_AMERICAN, ZONE_NONE, NUMBER_CURRENCY},
        {LAYOUT_BRACKETS, '\t', DATE_POINTS, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_TITLE, ',', DATE_BLANK, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_METATRADER_4, ',', DATE_POINTS, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_BINANCE, ',', DATE_MILLIS, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_KRAKEN, ',', DATE_SECONDS, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_HISTDATA, ';', DATE_COMPACT_6, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_STOOQ, ',', DATE_COMPACT, ZONE_NONE, NUMBER_PLAIN},
        {LAYOUT_PLAIN, ',', DATE_COMPACT14, ZONE_NONE, NUMBER_FRENCH},
    };
    const unsigned long megabytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 50;

    if (megabytes < 1 || megabytes > 500) {
        fprintf(stderr, "usage: bench_data [1..500 MB]\n");
        return 2;
    }
    /* days where the form has days alone: as many as there are until 2100 would be few */
    const size_t rows = (megabytes << 20) / 55;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        /* with summer time, minutes would fall into its gap */
        const bool is_day = forms[i].date == DATE_DAY || forms[i].zone == ZONE_NEW_YORK;
        bars_t *series = market_series(is_day ? 28000 : rows, is_day ? BARS_DAY_MS : 60000);

        if (!series)
            return 1;
        bench(&forms[i], series);
        bars_destroy(&series);
    }
    return 0;
}
