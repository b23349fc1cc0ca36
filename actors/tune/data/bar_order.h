/* bar_order - puts bars in the order of their stamps, the last of equal stamps winning. */
#ifndef ACTORS_TUNE_DATA_BAR_ORDER_H
#define ACTORS_TUNE_DATA_BAR_ORDER_H

#include <stdbool.h>

#include "actors/tune/engine/bars.h"
#include "proto/error.h"

struct bar_order {
    bool was_reversed; /* the newest first */
    bool was_unsorted;
    size_t duplicates; /* bars that a later one of the same time replaced */
    size_t conflicts;  /* of them, those with other prices */
};

/* In place. TM_NO_MEMORY. */
TM_CHECKED tm_err_t bar_order(bars_t *bars, struct bar_order *ret);

#endif
