/* data_options - what the reader of market data is told beside the file. */
#ifndef ACTORS_TUNE_DATA_DATA_OPTIONS_H
#define ACTORS_TUNE_DATA_DATA_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define DATA_MIN_BARS     10 /* that a file must have */
#define DATA_UNPACKED_MAX ((size_t)1 << 30)
#define DATA_DROPPED_PCT  5

struct data_options {
    const char *symbol;       /* of a file with several; NULL: it has one */
    const char *timezone;     /* "Asia/Tokyo", "+09:00"; NULL: what the file says, else UTC */
    double allow_dropped_pct; /* of the rows, for missing cells */
    bool reads_volume;        /* else volume may be missing, and is 0 there */
    size_t max_bytes;         /* unpacked; 0: DATA_UNPACKED_MAX */
};
#define DATA_OPTIONS_DEFAULT                                        \
    {                                                               \
        .allow_dropped_pct = DATA_DROPPED_PCT, .reads_volume = true \
    }

#endif
