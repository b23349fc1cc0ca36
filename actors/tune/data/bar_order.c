#include "actors/tune/data/bar_order.h"

#include <stdlib.h>
#include <string.h>

struct place {
    int64_t time_ms;
    size_t row;
};

static int
compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void
permute(double *column, const struct place *places, size_t count, double *scratch)
{
    for (size_t i = 0; i < count; i++)
        scratch[i] = column[places[i].row];
    memcpy(column, scratch, count * sizeof *column);
}

static void
permute_offsets(int32_t *column, const struct place *places, size_t count, double *scratch)
{
    for (size_t i = 0; column && i < count; i++)
        scratch[i] = column[places[i].row];
    for (size_t i = 0; column && i < count; i++)
        column[i] = (int32_t)scratch[i];
}

static tm_err_t
sort(bars_t *bars)
{
    const size_t count = bars->count;
    struct place *places = calloc(count, sizeof *places);
    double *scratch = calloc(count, sizeof *scratch);

    if (places && scratch) {
        for (size_t i = 0; i < count; i++)
            places[i] = (struct place){bars->time_ms[i], i};
        qsort(places, count, sizeof *places, compare_places);
        permute(bars->open, places, count, scratch);
        permute(bars->high, places, count, scratch);
        permute(bars->low, places, count, scratch);
        permute(bars->close, places, count, scratch);
        permute(bars->volume, places, count, scratch);
        permute_offsets(bars->offset_s, places, count, scratch);
        for (size_t i = 0; i < count; i++)
            bars->time_ms[i] = places[i].time_ms;
    }
    const bool ok = places && scratch;
    free(places);
    free(scratch);
    return ok ? TM_OK : TM_NO_MEMORY;
}

static void
reverse_doubles(double *column, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const double kept = column[i];

        column[i] = column[count - 1 - i];
        column[count - 1 - i] = kept;
    }
}

static void
reverse(bars_t *bars)
{
    const size_t count = bars->count;

    reverse_doubles(bars->open, count);
    reverse_doubles(bars->high, count);
    reverse_doubles(bars->low, count);
    reverse_doubles(bars->close, count);
    reverse_doubles(bars->volume, count);
    for (size_t i = 0; i < count / 2; i++) {
        const size_t k = count - 1 - i;
        const int64_t time_ms = bars->time_ms[i];

        bars->time_ms[i] = bars->time_ms[k];
        bars->time_ms[k] = time_ms;
        if (bars->offset_s) {
            const int32_t offset_s = bars->offset_s[i];

            bars->offset_s[i] = bars->offset_s[k];
            bars->offset_s[k] = offset_s;
        }
    }
}

static bool
has_same_values(const bars_t *bars, size_t a, size_t b)
{
    return bars->open[a] == bars->open[b] && bars->high[a] == bars->high[b] &&
           bars->low[a] == bars->low[b] && bars->close[a] == bars->close[b];
}

static void
move(bars_t *bars, size_t to, size_t from)
{
    bars->time_ms[to] = bars->time_ms[from];
    bars->open[to] = bars->open[from];
    bars->high[to] = bars->high[from];
    bars->low[to] = bars->low[from];
    bars->close[to] = bars->close[from];
    bars->volume[to] = bars->volume[from];
    if (bars->offset_s)
        bars->offset_s[to] = bars->offset_s[from];
}

static void
merge_equal(bars_t *bars, struct bar_order *ret)
{
    size_t kept = 0;

    for (size_t i = 0; i < bars->count; i++) {
        if (kept > 0 && bars->time_ms[kept - 1] == bars->time_ms[i]) {
            kept--;
            ret->conflicts += !has_same_values(bars, kept, i);
        }
        if (kept != i)
            move(bars, kept, i);
        kept++;
    }
    ret->duplicates = bars->count - kept;
    bars->count = kept;
}

tm_err_t
bar_order(bars_t *bars, struct bar_order *ret)
{
    bool is_rising = true, is_falling = bars->count > 1;

    *ret = (struct bar_order){0};
    for (size_t i = 1; i < bars->count; i++) {
        is_rising = is_rising && bars->time_ms[i - 1] <= bars->time_ms[i];
        is_falling = is_falling && bars->time_ms[i - 1] > bars->time_ms[i];
    }
    if (is_falling) {
        ret->was_reversed = true;
        reverse(bars);
    } else if (!is_rising) {
        ret->was_unsorted = true;
        if (sort(bars) != TM_OK)
            return TM_NO_MEMORY;
    }
    merge_equal(bars, ret);
    return TM_OK;
}
