/* overfit - how much of a tune's best is luck.
 *
 * PBO: Bailey, Borwein, Lopez de Prado, Zhu (2017), "The probability of backtest overfitting":
 * combinatorially symmetric cross-validation with S = 16 blocks, from each trial's sums of
 * daily returns and their squares. For each of the 12,870 halves: the trial with the best
 * Sharpe ratio there, and its relative rank w in the other half; PBO is the share with ln(w /
 * (1 - w)) <= 0.
 *
 * Deflated Sharpe ratio: Bailey, Lopez de Prado (2014): the probability that the Sharpe ratio
 * is above what the best of n trials without skill would show, for returns with that skew and
 * kurtosis.
 */
#ifndef ENGINE_OVERFIT_H
#define ENGINE_OVERFIT_H

#include <stdint.h>

#include "actors/tune/engine/bars.h"
#include "actors/tune/engine/metrics.h"

#define OVERFIT_TRIALS_MAX 2048 /* of more, evenly spaced ones stand for all */

struct daily_moments {
    double days;            /* daily returns */
    double mean, deviation; /* of the sample; per day */
    double skew, kurtosis;  /* of the population; kurtosis of a normal is 3 */
};

/* blocks: one per trial. NaN with fewer than two trials that have returns in each half, or
 * without memory. */
double overfit_pbo(const struct metrics_blocks *const *blocks, size_t count);

/* Sharpe ratio per day of a trial from its blocks; NaN when undefined. */
double overfit_daily_sharpe(const struct metrics_blocks *blocks);

/* From the best trial's daily returns and the daily Sharpe ratios of all trials (undefined ones
 * are left out). 0..1; NaN when undefined. */
double overfit_deflated_sharpe(const struct daily_moments *best, const double *sharpes,
                               size_t count);

/* Moments of the day-to-day returns of an equity curve, one value a bar: last bar of each day
 * of the exchange's calendar. */
struct daily_moments overfit_moments(const bars_t *bars, const double *equity);

#endif
