/* table_plan - how a text is a table: its separator, where its rows begin, which cell is what.
 */
#ifndef ACTORS_TUNE_DATA_TABLE_PLAN_H
#define ACTORS_TUNE_DATA_TABLE_PLAN_H

#include "actors/tune/data/header.h"
#include "actors/tune/data/text.h"

#define DATA_MAX_COLUMNS 4096

enum { VALUE_OPEN, VALUE_HIGH, VALUE_LOW, VALUE_CLOSE, VALUE_VOLUME, VALUES };

struct layout {
    struct text rows;  /* what follows the header, borrowed */
    size_t first_line; /* of the rows */
    char separator;
    size_t column_count;
    size_t needed;                        /* cells a row must have */
    size_t date, time, unix_time, symbol; /* HEADER_NONE, but for date */
    size_t values[VALUES];                /* of volume: HEADER_NONE where there is none */
};

#endif
