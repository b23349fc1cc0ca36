#include "actors/tune/engine/overfit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/clones.h"

#define EULER_GAMMA 0.57721566490153286

/* One number per trial and block, by block; and running sums over the blocks of the training
 * half. */
struct sums {
    size_t trials;
    double days[METRICS_BLOCKS];
    double total_days;
    double *sum[METRICS_BLOCKS], *square[METRICS_BLOCKS];
    double *total_sum, *total_square;
    double *half_sum, *half_square;
    double *other; /* Sharpe ratios in the other half */
    double *memory;
};

/* Sharpe ratio per day; the lowest there is where nothing varies. */
static inline double
daily_sharpe(double days, double sum, double square)
{
    const double mean = sum / days;
    const double variance = square / days - mean * mean;

    return variance > 1e-18 ? mean / sqrt(variance * days / (days - 1))
           : mean > 1e-12   ? 1e9
           : mean < -1e-12  ? -1e9
                            : 0.0;
}

double
overfit_daily_sharpe(const struct metrics_blocks *blocks)
{
    double days = 0, sum = 0, square = 0;

    for (size_t b = 0; b < METRICS_BLOCKS; b++) {
        days += blocks->days[b];
        sum += blocks->sum[b];
        square += blocks->square[b];
    }
    if (days < 2 || square / days - sum / days * (sum / days) <= 1e-18)
        return (double)NAN;
    return daily_sharpe(days, sum, square);
}

static bool
sums_init(struct sums *self, const struct metrics_blocks *const *blocks, size_t count)
{
    const size_t trials = count < OVERFIT_TRIALS_MAX ? count : OVERFIT_TRIALS_MAX;

    *self = (struct sums){.trials = trials};
    self->memory = calloc((2 * METRICS_BLOCKS + 5) * trials, sizeof(double));
    if (!self->memory)
        return false;
    double *next = self->memory;
    double **lone[] = {&self->total_sum, &self->total_square, &self->half_sum,
                       &self->half_square, &self->other};
    for (size_t i = 0; i < sizeof lone / sizeof lone[0]; i++, next += trials)
        *lone[i] = next;
    for (size_t b = 0; b < METRICS_BLOCKS; b++, next += 2 * trials) {
        self->sum[b] = next;
        self->square[b] = next + trials;
        self->days[b] = blocks[0]->days[b];
        self->total_days += self->days[b];
    }
    for (size_t t = 0; t < trials; t++) {
        const struct metrics_blocks *source = blocks[t * count / trials];

        for (size_t b = 0; b < METRICS_BLOCKS; b++) {
            self->total_sum[t] += self->sum[b][t] = source->sum[b];
            self->total_square[t] += self->square[b][t] = source->square[b];
        }
    }
    return true;
}

ENGINE_CLONES
static void
move_block(struct sums *sums, size_t block, double sign)
{
    const double *sum = sums->sum[block], *square = sums->square[block];
    double *half_sum = sums->half_sum, *half_square = sums->half_square;

    for (size_t t = 0; t < sums->trials; t++) {
        half_sum[t] += sign * sum[t];
        half_square[t] += sign * square[t];
    }
}

/* Is the trial that is best in the training half at or below the median of the other half? */
static bool
is_overfit(const struct sums *sums, double days)
{
    const double other_days = sums->total_days - days;
    double best = -(double)INFINITY, below = 0;
    size_t winner = 0;

    for (size_t t = 0; t < sums->trials; t++) {
        const double sharpe = daily_sharpe(days, sums->half_sum[t], sums->half_square[t]);

        if (sharpe > best) {
            best = sharpe;
            winner = t;
        }
        sums->other[t] = daily_sharpe(other_days, sums->total_sum[t] - sums->half_sum[t],
                                      sums->total_square[t] - sums->half_square[t]);
    }
    for (size_t t = 0; t < sums->trials; t++) {
        if (t != winner && sums->other[t] < sums->other[winner])
            below += 1.0;
        else if (t != winner && sums->other[t] == sums->other[winner])
            below += 0.5; /* tied: the mean of the ranks */
    }
    const double rank = (below + 1.0) / ((double)sums->trials + 1.0);
    return log(rank / (1.0 - rank)) <= 0;
}

/* The next larger number with as many bits set. */
static unsigned
next_half(unsigned half)
{
    const unsigned low = half & (0U - half), ripple = half + low;

    return ripple | (((half ^ ripple) >> 2) / low);
}

double
overfit_pbo(const struct metrics_blocks *const *blocks, size_t count)
{
    const unsigned end = 1U << METRICS_BLOCKS;
    unsigned previous = 0, halves = 0, overfit = 0;
    struct sums sums;

    if (count < 2)
        return (double)NAN;
    for (size_t b = 0; b < METRICS_BLOCKS; b++) {
        if (blocks[0]->days[b] < 2)
            return (double)NAN;
    }
    if (!sums_init(&sums, blocks, count))
        return (double)NAN;
    for (unsigned half = 0xff; half < end; half = next_half(half)) {
        double days = 0;

        for (size_t b = 0; b < METRICS_BLOCKS; b++) {
            if ((half ^ previous) >> b & 1)
                move_block(&sums, b, half >> b & 1 ? 1.0 : -1.0);
            days += half >> b & 1 ? sums.days[b] : 0.0;
        }
        previous = half;
        halves++;
        overfit += is_overfit(&sums, days);
    }
    free(sums.memory);
    return (double)overfit / (double)halves;
}

/* Of the standard normal distribution. */
static double
normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

/* Its inverse, by bisection: 0 < p < 1. */
static double
normal_quantile(double p)
{
    double low = -40, high = 40;

    for (int i = 0; i < 200; i++) {
        const double middle = 0.5 * (low + high);

        if (normal_cdf(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

/* The Sharpe ratio that the best of n trials without skill is expected to show. */
static double
expected_best(double variance, double n)
{
    return sqrt(variance) * ((1.0 - EULER_GAMMA) * normal_quantile(1.0 - 1.0 / n) +
                             EULER_GAMMA * normal_quantile(1.0 - 1.0 / (n * exp(1.0))));
}

double
overfit_deflated_sharpe(const struct daily_moments *best, const double *sharpes, size_t count)
{
    double n = 0, mean = 0, squares = 0;

    for (size_t i = 0; i < count; i++) {
        if (!isfinite(sharpes[i]))
            continue;
        n += 1.0;
        const double delta = sharpes[i] - mean;
        mean += delta / n;
        squares += delta * (sharpes[i] - mean);
    }
    if (n < 2 || best->days < 3 || !(best->deviation > 0))
        return (double)NAN;
    const double sharpe = best->mean / best->deviation;
    const double spread =
        1.0 - best->skew * sharpe + (best->kurtosis - 1.0) / 4.0 * sharpe * sharpe;
    if (!(spread > 0))
        return (double)NAN;
    const double bar = expected_best(squares / (n - 1), n);
    return normal_cdf((sharpe - bar) * sqrt(best->days - 1) / sqrt(spread));
}

/* Day-to-day returns into out; how many. */
static size_t
daily_returns(const bars_t *bars, const double *equity, double *out)
{
    double before = 0;
    size_t n = 0;

    for (size_t i = 0; i < bars->count; i++) {
        if (i + 1 < bars->count && bars_local_day(bars, i) == bars_local_day(bars, i + 1))
            continue;
        if (before > 0)
            out[n++] = equity[i] / before - 1.0;
        before = equity[i];
    }
    return n;
}

struct daily_moments
overfit_moments(const bars_t *bars, const double *equity)
{
    struct daily_moments ret = {0, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    double *returns = malloc((bars->count + 1) * sizeof *returns);
    double m2 = 0, m3 = 0, m4 = 0;

    if (!returns)
        return ret;
    const size_t n = daily_returns(bars, equity, returns);
    ret.days = (double)n;
    if (n >= 2) {
        ret.mean = 0;
        for (size_t i = 0; i < n; i++)
            ret.mean += returns[i] / ret.days;
        for (size_t i = 0; i < n; i++) {
            const double d = returns[i] - ret.mean;

            m2 += d * d;
            m3 += d * d * d;
            m4 += d * d * d * d;
        }
        ret.deviation = sqrt(m2 / (ret.days - 1));
        m2 /= ret.days;
        ret.skew = m3 / ret.days / (m2 * sqrt(m2));
        ret.kurtosis = m4 / ret.days / (m2 * m2);
    }
    free(returns);
    return ret;
}
