/* backtest - one strategy, one window of bars: params in, metrics out.
 *
 * A backtest_t is a window prepared once: its calendar, and a cache of the indicator columns
 * that its runs share. Runs with the same indicator params, one after the other, are the cheap
 * ones. Results never depend on what ran before. Not for two threads at a time.
 *
 * Indicators warm up on the window's lead (bars.h), if it has one, and what is left of their
 * warm-up is of the window: the first signal that acts is that of the bar behind it. With a
 * lead that is long enough, that of the window's first bar.
 *
 * Owns its cache (at most cache_bytes); borrows bars and strategy, which must outlive it.
 */
#ifndef ENGINE_BACKTEST_H
#define ENGINE_BACKTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/tune/engine/bars.h"
#include "actors/tune/engine/metrics.h"
#include "actors/tune/engine/strategy.h"

#define BACKTEST_CACHE_BYTES ((size_t)64 << 20)

struct backtest_options {
    double cash;           /* > 0 */
    double commission_bps; /* of the traded value, at entry and at exit */
    double slippage_bps;   /* the same */
    bool fill_on_close;    /* at the close that gave the signal; else at the next open */
    bool close_at_end;     /* close what is open at the last close; else leave it unlisted */
    bool fractional;       /* fractions of a unit may be bought */
    size_t cache_bytes;    /* 0: BACKTEST_CACHE_BYTES */
};

/* 10000, 10 bps, 0 bps, fill on close, close at end, whole units. */
#define BACKTEST_OPTIONS_DEFAULT                                                              \
    {                                                                                         \
        .cash = 10000.0, .commission_bps = 10.0, .fill_on_close = true, .close_at_end = true, \
    }

enum trade_reason { TRADE_SIGNAL, TRADE_REVERSED, TRADE_END_OF_DATA, TRADE_BUST };

struct trade {
    size_t entry_bar, exit_bar; /* indices into the window */
    int64_t entry_time_ms, exit_time_ms;
    double size; /* units; negative for a short */
    double entry_price, exit_price;
    double pnl; /* after both fees */
    double return_pct;
    enum trade_reason reason; /* of the exit */
};

/* What one run did, bar by bar. */
typedef struct backtest_trace {
    size_t bar_count;
    double *equity; /* at each bar's close */
    size_t trade_count;
    struct trade *trades;
    size_t trade_capacity;
    size_t warmup; /* index of the last indicator's first value; 0: it has one from the start */
} backtest_trace_t;

typedef struct backtest backtest_t;

/* TM_BAD_REQUEST for options out of range, TM_INSUFFICIENT_DATA for fewer than 2 bars,
 * TM_NO_MEMORY. *ret is the caller's. */
TM_CHECKED tm_err_t backtest_new(const bars_t *bars, const strategy_t *strategy,
                                 const struct backtest_options *options, backtest_t **ret);
void backtest_destroy(backtest_t **self_p);

/* Metrics only, the fast path. params: one per param of the strategy, in its order. blocks may
 * be NULL. TM_INVALID_PARAM_SPACE when a param is out of its range, TM_NO_MEMORY. */
TM_CHECKED tm_err_t backtest_run(backtest_t *self, const double *params, struct metrics *ret,
                                 struct metrics_blocks *ret_blocks);

/* The same bits, with the equity curve and the trades. */
TM_CHECKED tm_err_t backtest_trace(backtest_t *self, const double *params, struct metrics *ret,
                                   backtest_trace_t **ret_trace);
void backtest_trace_destroy(backtest_trace_t **self_p);

/* What the last run's figures do not say. */
struct backtest_notes {
    bool is_out_of_bars; /* an indicator has no value before the last bar: no signal can act */
    uint64_t unaffordable; /* entries left out, because the cash did not buy one unit */
    double unit, cash;     /* at the first of them: what one cost, with its fee */
};
const struct backtest_notes *backtest_notes(const backtest_t *self);

/* The notes as sentences for people; how many. */
#define BACKTEST_WARNINGS_MAX  2
#define BACKTEST_WARNING_BYTES 240
size_t backtest_warnings(const backtest_t *self,
                         char ret[BACKTEST_WARNINGS_MAX][BACKTEST_WARNING_BYTES]);

const char *trade_side(const struct trade *trade);       /* "long", "short" */
const char *trade_reason_name(enum trade_reason reason); /* "signal", "reversed", ... */
size_t trade_duration_bars(const struct trade *trade);   /* exit bar - entry bar */

#endif
