/* bare_layout - the few known layouts of a table without a header. */
#ifndef ACTORS_TUNE_DATA_BARE_LAYOUT_H
#define ACTORS_TUNE_DATA_BARE_LAYOUT_H

#include "actors/tune/data/table_plan.h"

/* By the cells of the first row: sets the columns and returns the layout's name, or NULL. */
const char *bare_layout_find(const struct cell *row, size_t count, struct layout *ret);

#endif
