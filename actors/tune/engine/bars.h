/* bars - a price series: one row per bar, oldest first, stamps strictly increasing.
 *
 * Owns its columns, unless it is a view: bars_slice and bars_between return a struct by value
 * that borrows the columns of the series it was cut from. A view is never destroyed, and lives
 * no longer than that series.
 */
#ifndef ENGINE_BARS_H
#define ENGINE_BARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BARS_DAY_MS      INT64_C(86400000)
#define BARS_LABEL_BYTES 24
#define BARS_COLUMNS     5

typedef struct bars {
    size_t count;
    int64_t *time_ms; /* UTC, since 1970 */
    union {
        struct {
            double *open, *high, *low, *close, *volume;
        };
        double *columns[BARS_COLUMNS]; /* in this order */
    };
    int32_t *offset_s; /* east of UTC, of the exchange's clocks; NULL: they show UTC */
    size_t lead; /* of a view: bars of its series before its first, to warm indicators up on */
} bars_t;

/* Uninitialised columns, in UTC; NULL if there is no memory. */
bars_t *bars_new(size_t count);
void bars_destroy(bars_t **self_p);

/* Bars first .. first+count-1, cut down to what exists. Slices [0, k) and [k, n-k) share no
 * bar. One from the first bar on keeps the lead; any other has none, and its indicators begin
 * anew. */
bars_t bars_slice(const bars_t *self, size_t first, size_t count);

/* The same, with all bars before `first` for a lead. */
bars_t bars_window(const bars_t *self, size_t first, size_t count);
/* Both ends are included; INT64_MIN and INT64_MAX leave one open. */
struct bars_span {
    int64_t from_ms, to_ms;
    bool is_from_utc, is_to_utc; /* else it is what the exchange's clocks show */
};
/* The bars within it; those before it are their lead. */
bars_t bars_between(const bars_t *self, const struct bars_span *span);

/* A view of the lead and the bars, without a lead. */
bars_t bars_with_lead(const bars_t *self);

/* Median of the last 99 spacings; 0 with fewer than two bars. */
int64_t bars_period_ms(const bars_t *self);

/* "1m", "4h", "1d", "1w", "1mo", from the period; "?" with fewer than two bars. */
void bars_timeframe(const bars_t *self, char out[BARS_LABEL_BYTES]);

/* Days since 1970 of a stamp, rounded down also before it. */
int64_t bars_day(int64_t time_ms);

/* What the exchange's clocks show at a bar, as if they showed UTC; and its day. */
int64_t bars_local_ms(const bars_t *self, size_t i);
int64_t bars_local_day(const bars_t *self, size_t i);

#endif
