#include "actors/tune/engine/bars.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define PERIOD_SPACINGS 99

bars_t *
bars_new(size_t count)
{
    if (count > SIZE_MAX / sizeof(double) / (BARS_COLUMNS + 1) - 1)
        return NULL;
    bars_t *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;

    const size_t bytes = (count + 1) * sizeof(double);

    self->count = count;
    self->time_ms = malloc(bytes);
    bool ok = self->time_ms != NULL;
    for (size_t i = 0; i < BARS_COLUMNS; i++) {
        self->columns[i] = malloc(bytes);
        ok = ok && self->columns[i];
    }
    if (!ok)
        bars_destroy(&self);
    return self;
}

void
bars_destroy(bars_t **self_p)
{
    bars_t *self = *self_p;

    if (!self)
        return;
    free(self->time_ms);
    for (size_t i = 0; i < BARS_COLUMNS; i++)
        free(self->columns[i]);
    free(self->offset_s);
    free(self);
    *self_p = NULL;
}

bars_t
bars_slice(const bars_t *self, size_t first, size_t count)
{
    if (first > self->count)
        first = self->count;
    if (count > self->count - first)
        count = self->count - first;
    bars_t slice = {.count = count,
                    .time_ms = self->time_ms + first,
                    .offset_s = self->offset_s ? self->offset_s + first : NULL};
    for (size_t i = 0; i < BARS_COLUMNS; i++)
        slice.columns[i] = self->columns[i] + first;
    return slice;
}

/* Index of the first bar at or after time_ms. */
static size_t
lower_bound(const bars_t *self, int64_t time_ms)
{
    size_t low = 0, high = self->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (self->time_ms[middle] < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bars_t
bars_between(const bars_t *self, int64_t from_ms, int64_t to_ms)
{
    const size_t first = lower_bound(self, from_ms);
    const size_t end = to_ms == INT64_MAX ? self->count : lower_bound(self, to_ms + 1);

    return bars_slice(self, first, end > first ? end - first : 0);
}

static int
compare_spacing(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int64_t
bars_period_ms(const bars_t *self)
{
    int64_t spacing[PERIOD_SPACINGS];

    if (self->count < 2)
        return 0;
    const size_t n = self->count - 1 < PERIOD_SPACINGS ? self->count - 1 : PERIOD_SPACINGS;
    const int64_t *last = self->time_ms + self->count - n - 1;

    for (size_t i = 0; i < n; i++)
        spacing[i] = last[i + 1] - last[i];
    qsort(spacing, n, sizeof spacing[0], compare_spacing);
    return (spacing[(n - 1) / 2] + spacing[n / 2]) / 2;
}

void
bars_timeframe(const bars_t *self, char out[BARS_LABEL_BYTES])
{
    static const struct {
        int64_t from_ms, unit_ms;
        const char *unit;
    } units[] = {
        {27 * BARS_DAY_MS, 30 * BARS_DAY_MS, "mo"},
        {7 * BARS_DAY_MS, 7 * BARS_DAY_MS, "w"},
        {BARS_DAY_MS, BARS_DAY_MS, "d"},
        {3600000, 3600000, "h"},
        {60000, 60000, "m"},
        {1000, 1000, "s"},
        {1, 1, "ms"},
    };
    const int64_t period = bars_period_ms(self);

    snprintf(out, BARS_LABEL_BYTES, "?");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (period < units[i].from_ms)
            continue;
        const int64_t count = (period + units[i].unit_ms / 2) / units[i].unit_ms;

        snprintf(out, BARS_LABEL_BYTES, "%" PRId64 "%s", count, units[i].unit);
        return;
    }
}

int64_t
bars_day(int64_t time_ms)
{
    const int64_t day = time_ms / BARS_DAY_MS;

    return time_ms % BARS_DAY_MS < 0 ? day - 1 : day;
}

int64_t
bars_local_day(const bars_t *self, size_t i)
{
    const int64_t offset_ms = self->offset_s ? self->offset_s[i] * INT64_C(1000) : 0;

    return bars_day(self->time_ms[i] + offset_ms);
}
