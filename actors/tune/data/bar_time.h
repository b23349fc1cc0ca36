/* bar_time - the cells of a row's time as an instant and an offset, by what the column is. */
#ifndef ACTORS_TUNE_DATA_BAR_TIME_H
#define ACTORS_TUNE_DATA_BAR_TIME_H

#include "actors/tune/data/cells.h"
#include "actors/tune/data/data_options.h"
#include "actors/tune/data/data_report.h"
#include "proto/error.h"
#include "actors/tune/data/time/epoch.h"
#include "actors/tune/data/time/stamp.h"
#include "actors/tune/data/time/zone.h"

enum bar_time_kind { BAR_TIME_UNSEEN, BAR_TIME_TEXT, BAR_TIME_EPOCH };

/* What was learnt of a column of times. */
struct bar_time {
    enum bar_time_kind kind;
    enum stamp_order order;
    struct epoch_column epoch;
    zone_t *zone;      /* NULL: none was given; borrowed */
    bool may_be_epoch; /* the first cell is digits that a calendar and an epoch may both be */
    size_t naive, offset; /* rows without and with a zone of their own */
    int32_t offsets[2];   /* of the file, the first that was seen and another one */
    struct cell first;    /* cell of the column */
};

enum bar_time_result {
    BAR_TIME_READ,
    BAR_TIME_WRONG,
    BAR_TIME_WRONG_CLOCK,
    BAR_TIME_ORDER,    /* of day and month, must be known first */
    BAR_TIME_IS_EPOCH, /* start again: the column is one of numbers after all */
    BAR_TIME_NEVER,
    BAR_TIME_TWICE
};

struct bar_instant {
    int64_t time_ms; /* UTC; of an epoch column, its number until bar_time_settle */
    int32_t offset_s;
    bool has_clock; /* not a day alone */
};

/* clock: the cell of the column beside it, or NULL. */
enum bar_time_result bar_time_read(struct bar_time *self, const struct cell *date,
                                   const struct cell *clock, struct bar_instant *ret);

/* "ISO", "day/month/year", "epoch seconds"; and the zone, for people. */
void bar_time_describe(const struct bar_time *self, const struct data_options *options,
                       struct data_report *report);

#endif
