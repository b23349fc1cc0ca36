/* header - which cell of a row means what, from the words above the rows. */
#ifndef ACTORS_TUNE_DATA_HEADER_H
#define ACTORS_TUNE_DATA_HEADER_H

#include "actors/tune/data/cells.h"

enum meaning {
    MEANS_DATE, /* a day, perhaps with its time */
    MEANS_TIME, /* of the day; alone: the whole stamp */
    MEANS_STAMP,
    MEANS_UNIX,
    MEANS_INDEX, /* a column without a name */
    MEANS_OPEN,
    MEANS_HIGH,
    MEANS_LOW,
    MEANS_CLOSE,
    MEANS_VOLUME,
    MEANS_TICKS,
    MEANS_QUOTE_VOLUME,
    MEANS_SYMBOL,
    MEANS_COUNT,
    MEANS_NOTHING = MEANS_COUNT
};

#define HEADER_NONE     ((size_t)-1)
#define HEADER_ASSETS   8
#define HEADER_FOLD_MAX 40

/* A volume that is named after its asset: "Volume BTC". */
struct header_asset {
    size_t at;
    char asset[16]; /* in small letters */
};

struct header {
    size_t at[MEANS_COUNT];    /* HEADER_NONE */
    size_t again[MEANS_COUNT]; /* another one of the same rank */
    size_t adjusted;           /* the adjusted close, whether it counts or not */
    bool close_is_adjusted;
    size_t asset_count;
    struct header_asset assets[HEADER_ASSETS];
};

/* Letters and digits alone, small; other bytes as they are, umlauts without their dots. */
void header_fold(const struct cell *cell, char out[HEADER_FOLD_MAX]);

void header_read(const struct cell *row, size_t count, struct header *ret);

/* A name for a stamp of any kind, and how many of open, high, low and close. */
bool header_has_time(const struct header *self);
size_t header_prices(const struct header *self);

const char *header_word(enum meaning meaning); /* "close" */

/* Is an asset's name a currency that others are priced in? */
bool header_is_quote(const char *asset);

#endif
