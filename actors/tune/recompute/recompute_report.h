/* recompute_report - the JSON of a trial that was computed again. Pure. */
#ifndef ACTORS_TUNE_RECOMPUTE_RECOMPUTE_REPORT_H
#define ACTORS_TUNE_RECOMPUTE_RECOMPUTE_REPORT_H

#include <jansson.h>

#include "actors/kit/util/digest.h"
#include "actors/tune/data/data_report.h"
#include "actors/tune/engine/backtest.h"

#define RECOMPUTE_TRADES_MAX 5000

/* A back-test of its own. */
struct recompute_window {
    bars_t bars; /* a view */
    struct metrics metrics;
    backtest_trace_t *trace;
};

struct recompute_result {
    const json_t *row; /* of struct stored_trial */
    json_t *warnings;  /* so far */
    json_t *params;    /* by name, those with a default too; NULL: it failed */
    double cash;
    bars_t bars;                    /* the whole series */
    const struct data_report *read; /* how its file was */
    uint8_t sha256[SHA256_SIZE];
    size_t window_count; /* 0: it failed; 2: in-sample, then out-of-sample */
    size_t judged;       /* the window of the summary: of a trial the one that chose it */
    struct recompute_window windows[2];
};

/* A trade as answers show it; the caller's. */
json_t *recompute_trade_json(const struct trade *trade);

/* A body of at most max_bytes, with as many of the points and trades as fit; the caller frees
 * it. NULL: not even the rest fits, or there is no memory. */
char *recompute_report(const struct recompute_result *self, size_t points, size_t max_bytes);

#endif
