#include "actors/tune/engine/csv_order.h"

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
        for (size_t i = 0; i < BARS_COLUMNS; i++)
            permute(bars->columns[i], places, count, scratch);
        for (size_t i = 0; i < count; i++)
            bars->time_ms[i] = places[i].time_ms;
    }
    const bool ok = places && scratch;
    free(places);
    free(scratch);
    return ok ? TM_OK : TM_NO_MEMORY;
}

static void
move(bars_t *bars, size_t to, size_t from)
{
    bars->time_ms[to] = bars->time_ms[from];
    for (size_t i = 0; i < BARS_COLUMNS; i++)
        bars->columns[i][to] = bars->columns[i][from];
}

tm_err_t
csv_order(bars_t *bars, bool *ret_was_unsorted, size_t *ret_duplicates)
{
    bool is_sorted = true;
    size_t kept = 0;

    for (size_t i = 1; i < bars->count; i++)
        is_sorted = is_sorted && bars->time_ms[i - 1] <= bars->time_ms[i];
    if (!is_sorted && sort(bars) != TM_OK)
        return TM_NO_MEMORY;
    for (size_t i = 0; i < bars->count; i++) {
        if (kept > 0 && bars->time_ms[kept - 1] == bars->time_ms[i])
            kept--;
        move(bars, kept++, i);
    }
    *ret_was_unsorted = !is_sorted;
    *ret_duplicates = bars->count - kept;
    bars->count = kept;
    return TM_OK;
}
