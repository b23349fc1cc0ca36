/* csv_order - puts bars in the order of their stamps, the last of equal stamps winning. */
#ifndef ENGINE_CSV_ORDER_H
#define ENGINE_CSV_ORDER_H

#include <stdbool.h>

#include "actors/tune/engine/bars.h"
#include "proto/error.h"

/* In place. TM_NO_MEMORY. */
TM_CHECKED tm_err_t csv_order(bars_t *bars, bool *ret_was_unsorted, size_t *ret_duplicates);

#endif
