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
                    .offset_s = self->offset_s ? self->offset_s + first : NULL,
                    .lead = first == 0 ? self->lead : 0};
    for (size_t i = 0; i < BARS_COLUMNS; i++)
        slice.columns[i] = self->columns[i] + first;
    return slice;
}

bars_t
bars_window(const bars_t *self, size_t first, size_t count)
{
    bars_t window = bars_slice(self, first, count);

    window.lead = self->lead + (first < self->count ? first : self->count);
    return window;
}

static int64_t
shown_ms(const bars_t *self, size_t i, bool is_utc)
{
    return is_utc ? self->time_ms[i] : bars_local_ms(self, i);
}

/* Where clocks are put back an hour is shown twice: from its first time on, to its last. */
bars_t
bars_between(const bars_t *self, const struct bars_span *span)
{
    size_t first = 0, end = self->count;

    while (first < end && shown_ms(self, first, span->is_from_utc) < span->from_ms)
        first++;
    while (end > first && shown_ms(self, end - 1, span->is_to_utc) > span->to_ms)
        end--;
    return bars_window(self, first, end - first);
}

bars_t
bars_with_lead(const bars_t *self)
{
    bars_t all = *self;

    all.count += self->lead;
    all.time_ms -= self->lead;
    for (size_t i = 0; i < BARS_COLUMNS; i++)
        all.columns[i] -= self->lead;
    if (all.offset_s)
        all.offset_s -= self->lead;
    all.lead = 0;
    return all;
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
bars_local_ms(const bars_t *self, size_t i)
{
    return self->time_ms[i] + (self->offset_s ? self->offset_s[i] * INT64_C(1000) : 0);
}

int64_t
bars_local_day(const bars_t *self, size_t i)
{
    return bars_day(bars_local_ms(self, i));
}
