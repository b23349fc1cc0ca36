#include "actors/tune/engine/indicators.h"

#include <math.h>

static void
fill_nan(double *out, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        out[i] = (double)NAN;
}

size_t
indicator_first(const double *in, size_t count)
{
    size_t i = 0;

    while (i < count && isnan(in[i]))
        i++;
    return i;
}

/* Where a window of `length` values that begins at the first defined one is full; everything
 * before is written NaN. `extra` values are needed beyond the length. */
static size_t
first_full(const double *in, size_t count, size_t length, size_t extra, double *out)
{
    const size_t begin = indicator_first(in, count);

    if (count - begin < length || count - begin - length < extra) {
        fill_nan(out, 0, count);
        return count;
    }
    fill_nan(out, 0, begin + length - 1 + extra);
    return begin + length - 1 + extra;
}

/* How many values in a row, up to the newest, are the same. */
struct run {
    double value;
    size_t length;
};

static inline void
run_add(struct run *run, double value)
{
    run->length = value == run->value ? run->length + 1 : 1;
    run->value = value;
}

struct kahan {
    double sum, added, removed; /* the two compensations */
};

static inline void
kahan_step(double *sum, double *compensation, double value)
{
    const double y = value - *compensation;
    const double t = *sum + y;

    *compensation = t - *sum - y;
    *sum = t;
}

size_t
indicator_sma(const double *in, size_t count, size_t length, double *out)
{
    const size_t first = first_full(in, count, length, 0, out);
    struct kahan mean = {0};

    if (first == count)
        return count;
    struct run run = {.value = in[first + 1 - length]};
    for (size_t i = first + 1 - length; i < count; i++) {
        if (i > first)
            kahan_step(&mean.sum, &mean.removed, -in[i - length]);
        kahan_step(&mean.sum, &mean.added, in[i]);
        run_add(&run, in[i]);
        if (i >= first)
            out[i] = run.length >= length ? in[i] : mean.sum / (double)length;
    }
    return first;
}

struct welford {
    double mean, squares, added, removed;
};

static inline void
welford_add(struct welford *self, double value, double count)
{
    const double previous = self->mean - self->added;
    const double y = value - self->added;
    const double delta = y - self->mean;

    self->added = delta + self->mean - y;
    self->mean += delta / count;
    self->squares += (value - previous) * (value - self->mean);
}

static inline void
welford_remove(struct welford *self, double value, double count)
{
    const double previous = self->mean - self->removed;
    const double y = value - self->removed;
    const double delta = y - self->mean;

    self->removed = delta + self->mean - y;
    self->mean -= delta / count;
    self->squares -= (value - previous) * (value - self->mean);
}

size_t
indicator_stdev(const double *in, size_t count, size_t length, double *out)
{
    if (length < 2) {
        fill_nan(out, 0, count);
        return count;
    }
    const size_t first = first_full(in, count, length, 0, out);
    struct welford window = {0};
    if (first == count)
        return count;
    const size_t begin = first + 1 - length;
    struct run run = {.value = in[begin]};
    for (size_t i = begin; i < count; i++) {
        if (i > first)
            welford_remove(&window, in[i - length], (double)(length - 1));
        welford_add(&window, in[i], i < first ? (double)(i - begin + 1) : (double)length);
        run_add(&run, in[i]);
        if (i < first)
            continue;
        const double variance =
            run.length >= length ? 0 : window.squares / (double)(length - 1);
        out[i] = variance > 0 ? sqrt(variance) : variance <= 0 ? 0.0 : variance;
    }
    return first;
}

size_t
indicator_ema(const double *in, size_t count, size_t length, double *out)
{
    const size_t first = first_full(in, count, length, 0, out);
    const double weight = 2.0 / ((double)length + 1.0);
    double value = 0;

    if (first == count)
        return count;
    for (size_t i = first + 1 - length; i <= first; i++)
        value += in[i];
    value /= (double)length;
    out[first] = value;
    for (size_t i = first + 1; i < count; i++) {
        value += weight * (in[i] - value);
        out[i] = value;
    }
    return first;
}

static inline double
rsi_value(double gain, double loss)
{
    return loss == 0 ? 100.0 : 100.0 - 100.0 / (1.0 + gain / loss);
}

size_t
indicator_rsi(const double *in, size_t count, size_t length, double *out)
{
    const size_t first = first_full(in, count, length, 1, out);
    const double n = (double)length;
    double gain = 0, loss = 0;

    if (first == count)
        return count;
    for (size_t i = first + 1 - length; i <= first; i++) {
        const double change = in[i] - in[i - 1];

        gain += change > 0 ? change : 0;
        loss += change < 0 ? -change : 0;
    }
    gain /= n;
    loss /= n;
    out[first] = rsi_value(gain, loss);
    for (size_t i = first + 1; i < count; i++) {
        const double change = in[i] - in[i - 1];

        gain = (gain * (n - 1) + (change > 0 ? change : 0)) / n;
        loss = (loss * (n - 1) + (change < 0 ? -change : 0)) / n;
        out[i] = rsi_value(gain, loss);
    }
    return first;
}

/* Extreme of the `length` values before each bar. Blocks of `length` are cut off the series;
 * the extreme of any window is that of the end of one block and the beginning of the next (van
 * Herk): `out` first takes each block's running extreme from its end, then is combined with
 * that of the next from its beginning, so the cost does not depend on the length. */
static inline size_t
extreme(const double *in, size_t count, size_t length, double *out, double sign)
{
    const size_t first = first_full(in, count, length, 1, out);

    if (first == count)
        return count;
    const double *window =
        in + (first - length); /* window[k .. k+length) is before bar first+k */
    const size_t windows = count - first;
    double *result = out + first;
    for (size_t begin = 0; begin < windows; begin += length) {
        double best = sign * window[begin + length - 1];

        for (size_t k = length; k-- > 0;) {
            const double value = sign * window[begin + k];

            best = value > best ? value : best;
            if (begin + k < windows)
                result[begin + k] = best;
        }
        const size_t last = windows - begin < length ? windows - begin : length;
        for (size_t k = 1; k < last; k++) {
            const double value = sign * window[begin + length + k - 1];

            best = k == 1 || value > best ? value : best;
            if (best > result[begin + k])
                result[begin + k] = best;
        }
    }
    for (size_t i = 0; i < windows; i++)
        result[i] *= sign;
    return first;
}

size_t
indicator_highest(const double *in, size_t count, size_t length, double *out)
{
    return extreme(in, count, length, out, 1.0);
}

size_t
indicator_lowest(const double *in, size_t count, size_t length, double *out)
{
    return extreme(in, count, length, out, -1.0);
}

static inline double
true_range(const double *high, const double *low, const double *close, size_t i)
{
    const double top = high[i] > close[i - 1] ? high[i] : close[i - 1];
    const double bottom = low[i] < close[i - 1] ? low[i] : close[i - 1];

    return top - bottom;
}

size_t
indicator_atr(const double *high, const double *low, const double *close, size_t count,
              size_t length, double *out)
{
    const double n = (double)length;
    double value = 0;

    if (count <= length) {
        fill_nan(out, 0, count);
        return count;
    }
    for (size_t i = 1; i <= length; i++)
        value += true_range(high, low, close, i);
    value /= n;
    fill_nan(out, 0, length);
    out[length] = value;
    for (size_t i = length + 1; i < count; i++) {
        value = (value * (n - 1) + true_range(high, low, close, i)) / n;
        out[i] = value;
    }
    return length;
}
