/* account - the running figures of one back-test: equity, drawdown, daily returns, trades.
 *
 * The simulation reports spans of bars, in order and without gaps, and trades as they close.
 * Equity within a span is cash + size * (close - entry price), so it need not be stored. The
 * same calls give the same bits whether or not a curve is recorded.
 */
#ifndef ENGINE_ACCOUNT_H
#define ENGINE_ACCOUNT_H

#include <stdbool.h>

#include "actors/tune/engine/calendar.h"

/* How a span of bars is valued. size 0: flat. */
struct holding {
    double cash, size, entry_price;
};

struct tally {
    double count, wins;
    double return_sum, gains, losses;
    double growth, log_growth; /* product of 1 + return is growth * exp(log_growth) */
    bool is_ruined;            /* a trade lost all or more */
    double profit_mean, profit_squares;
    double best, worst;
    int64_t longest_ms;
    size_t exposed, exposed_until; /* bars in trades; the first bar after the last trade */
};

struct account {
    const bars_t *bars;
    const struct calendar *calendar;
    double *curve; /* borrowed; NULL: not recorded */
    double first_equity, last_equity;
    double peak, trough, drawdown; /* trough: lowest since the peak; drawdown: a share, >= 0 */
    double first_day, last_day;    /* equity at the end of a day */
    size_t block;
    struct metrics_blocks blocks;
    double downside; /* sum of squares of negative daily returns */
    bool is_bust;
    struct tally tally;
};

void account_init(struct account *self, const bars_t *bars, const struct calendar *calendar,
                  double cash);

/* Bars first .. end-1. */
void account_span(struct account *self, size_t first, size_t end,
                  const struct holding *holding);

/* All is lost at bar first: equity is 0 to the end. */
void account_bust(struct account *self, size_t first);

/* First bar of first .. end-1 with equity <= 0; end if none. */
size_t account_find_bust(const struct account *self, size_t first, size_t end,
                         const struct holding *holding);

/* A trade was closed. trade_return is a share. */
void account_trade(struct account *self, size_t entry_bar, size_t exit_bar, double profit,
                   double trade_return);

void account_metrics(const struct account *self, size_t warmup, struct metrics *ret);

#endif
