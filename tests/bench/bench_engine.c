/* bench_engine - what the engine costs, as JSON lines: CSV bytes per second, ns per bar and
 * trial.
 *
 *   bench_engine [csv megabytes, 100] [trials, 10000] [CSV file of prices]...
 *
 * Besides the files, a generated series of 100,000 bars is tuned. Run it on a quiet machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/tune/data/data.h"
#include "actors/tune/engine/engine.h"

#define LINE_BYTES 128
#define LONG_BARS  100000

static const char spec[] =
    "{\"id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\",\"name\":\"bb_reversal\","
    "\"params\":{\"period\":{\"type\":\"int\",\"min\":5,\"max\":104,\"default\":20},"
    "\"k\":{\"type\":\"float\",\"min\":0.5,\"max\":3,\"default\":2}},"
    "\"indicators\":{\"mid\":\"sma(close, period)\",\"dev\":\"stdev(close, period)\"},"
    "\"entry_long\":\"close < mid - k * dev\",\"exit_long\":\"close > mid\"}";

static double
now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Rows of minute bars, as a vendor would write them; returns the bytes written. */
static size_t
generate(char *out, size_t size, size_t rows)
{
    size_t used = (size_t)snprintf(out, size, "timestamp,open,high,low,close,volume\n");
    uint64_t state = 1;
    double price = 100;

    for (size_t i = 0; i < rows && used + LINE_BYTES < size; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const double open = price;

        price *= 1.0 + ((double)(state >> 40) / (double)(1 << 24) - 0.4999) * 0.002;
        used += (size_t)snprintf(
            out + used, size - used, "%llu,%.6f,%.6f,%.6f,%.6f,%llu\n",
            1500000000ULL + 60ULL * i, open, (open > price ? open : price) + 0.01,
            (open < price ? open : price) - 0.01, price, (unsigned long long)(state >> 44));
    }
    return used;
}

static bars_t *
parse(const char *data, size_t size)
{
    const struct data_options options = DATA_OPTIONS_DEFAULT;
    struct data_report report;
    bars_t *bars = NULL;

    if (data_read(data, size, &options, &report, &bars) != TM_OK)
        fprintf(stderr, "%s\n", report.error);
    return bars;
}

static void
bench_csv(size_t megabytes)
{
    const size_t size = megabytes << 20;
    char *data = malloc(size + LINE_BYTES);

    if (!data)
        return;
    const size_t used = generate(data, size, SIZE_MAX);
    const double start = now_seconds();
    bars_t *bars = parse(data, used);
    const double seconds = now_seconds() - start;
    printf("{\"bench\":\"csv\",\"bytes\":%zu,\"rows\":%zu,\"mb_per_second\":%.1f}\n", used,
           bars ? bars->count : 0, (double)used / 1e6 / seconds);
    bars_destroy(&bars);
    free(data);
}

static tune_plan_t *
plan_of(const bars_t *bars, const strategy_t *strategy, uint64_t trials, const char *space)
{
    struct tune_options options = TUNE_OPTIONS_DEFAULT;
    tune_plan_t *plan = NULL;
    char detail[256] = "";
    json_t *json = json_loads(space, 0, NULL);

    options.param_space = json;
    options.n_trials = trials;
    if (tune_plan_new(bars, strategy, &options, &plan, detail, sizeof detail))
        fprintf(stderr, "%s\n", detail);
    json_decref(json);
    return plan;
}

/* 100 periods, 100 thresholds each, or as many of them as are asked for. */
static void
bench_tune(const char *name, const bars_t *bars, uint64_t trials)
{
    strategy_t *strategy = NULL;
    struct trial *out = calloc(trials, sizeof *out);
    char detail[256];

    if (!out || strategy_parse(spec, strlen(spec), &strategy, detail, sizeof detail))
        return;
    tune_plan_t *plan = plan_of(bars, strategy, trials,
                                "{\"period\":{\"min\":5,\"max\":104,\"step\":1},"
                                "\"k\":{\"min\":0.5,\"max\":2.98,\"step\":0.025}}");
    if (plan) {
        const size_t count = (size_t)tune_plan_trials(plan);
        double closed = 0;
        const double start = now_seconds();
        const tm_err_t err = tune_run_range(plan, 0, count, out, NULL);
        const double seconds = now_seconds() - start;

        for (size_t i = 0; i < count; i++)
            closed += out[i].is.trades;
        printf(
            "{\"bench\":\"tune\",\"data\":\"%s\",\"bars\":%zu,\"trials\":%zu,\"err\":%d,"
            "\"trades_per_trial\":%.1f,\"trials_per_second\":%.0f,\"ns_per_bar_trial\":%.3f}\n",
            name, bars->count, count, (int)err, closed / (double)count, (double)count / seconds,
            seconds * 1e9 / (double)count / (double)bars->count);
    }
    tune_plan_destroy(&plan);
    strategy_destroy(&strategy);
    free(out);
}

static void
bench_file(const char *path, uint64_t trials)
{
    FILE *file = fopen(path, "rb");
    char *data = malloc(1 << 26);
    bars_t *bars = NULL;

    if (file && data)
        bars = parse(data, fread(data, 1, 1 << 26, file));
    if (bars)
        bench_tune(path, bars, trials);
    if (file)
        fclose(file);
    bars_destroy(&bars);
    free(data);
}

static void
bench_long(uint64_t trials)
{
    const size_t size = (size_t)LONG_BARS * LINE_BYTES;
    char *data = malloc(size);

    if (!data)
        return;
    bars_t *bars = parse(data, generate(data, size, LONG_BARS));
    if (bars)
        bench_tune("generated minutes", bars, trials < 1000 ? trials : 1000);
    bars_destroy(&bars);
    free(data);
}

int
main(int argc, char **argv)
{
    const unsigned long megabytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    const unsigned long trials = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;

    if (megabytes < 1 || megabytes > 1024 || trials < 1 || trials > 10000) {
        fprintf(stderr, "usage: bench_engine [1..1024 MB] [1..10000 trials] [file]...\n");
        return 2;
    }
    bench_csv(megabytes);
    for (int i = 3; i < argc; i++)
        bench_file(argv[i], trials);
    bench_long(trials);
    return 0;
}
