#include "actors/tune/data/bar_time.h"

#include <stdio.h>
#include <stdlib.h>

#include "actors/tune/data/findings.h"

static bool
is_numeric(const struct cell *cell)
{
    size_t i = cell->size > 1 && cell->text[0] == '-';

    for (; i < cell->size; i++) {
        const char c = cell->text[i];

        if ((c < '0' || c > '9') && c != '.')
            return false;
    }
    return cell->size > 0;
}

/* By the first cell; "2022.01.03" is made of digits and points, and is no number. */
static void
choose_kind(struct bar_time *self, const struct cell *cell)
{
    struct stamp stamp;
    const bool is_stamp = stamp_read(cell->text, cell->size, self->order, &stamp);

    self->first = *cell;
    if (is_stamp || !is_numeric(cell) || stamp.is_ordered)
        self->kind = BAR_TIME_TEXT;
    else
        self->kind = BAR_TIME_EPOCH;
    self->may_be_epoch = is_stamp && is_numeric(cell) && (cell->size == 10 || cell->size == 12);
}

static void
count_offset(struct bar_time *self, int32_t offset_s)
{
    if (self->offset++ == 0)
        self->offsets[0] = self->offsets[1] = offset_s;
    else if (offset_s != self->offsets[0])
        self->offsets[1] = offset_s;
}

/* A clock without an offset of its own, as the zone's, or as UTC. A day alone begins when it
 * does, whatever its clocks do. */
static enum bar_time_result
place_local(struct bar_time *self, const struct stamp *stamp, struct bar_instant *ret)
{
    self->naive++;
    if (!self->zone) {
        ret->time_ms = stamp->local_ms;
        return BAR_TIME_READ;
    }
    const enum zone_local local = zone_to_utc(self->zone, stamp->local_ms, &ret->time_ms);
    if (stamp->has_clock && local != ZONE_ONCE)
        return local == ZONE_NEVER ? BAR_TIME_NEVER : BAR_TIME_TWICE;
    ret->offset_s = zone_offset_s(self->zone, ret->time_ms);
    return BAR_TIME_READ;
}

static enum bar_time_result
read_text(struct bar_time *self, const struct cell *date, const struct cell *clock,
          struct bar_instant *ret)
{
    enum bar_time_result result = BAR_TIME_READ;
    struct stamp stamp;

    ret->offset_s = 0;
    if (!stamp_read(date->text, date->size, self->order, &stamp)) {
        if (stamp.is_ordered && self->order == STAMP_UNKNOWN)
            return BAR_TIME_ORDER;
        return self->may_be_epoch && is_numeric(date) ? BAR_TIME_IS_EPOCH : BAR_TIME_WRONG;
    }
    if (clock && !stamp_read_clock(clock->text, clock->size, &stamp))
        return BAR_TIME_WRONG_CLOCK;
    if (!stamp.has_offset) {
        result = place_local(self, &stamp, ret);
    } else {
        count_offset(self, stamp.offset_s);
        ret->time_ms = stamp.local_ms - stamp.offset_s * INT64_C(1000);
        ret->offset_s = self->zone ? zone_offset_s(self->zone, ret->time_ms) : stamp.offset_s;
    }
    ret->has_clock = stamp.has_clock;
    return result;
}

enum bar_time_result
bar_time_read(struct bar_time *self, const struct cell *date, const struct cell *clock,
              struct bar_instant *ret)
{
    if (self->kind == BAR_TIME_UNSEEN)
        choose_kind(self, date);
    if (self->kind == BAR_TIME_TEXT)
        return read_text(self, date, clock, ret);
    if (clock)
        return BAR_TIME_WRONG;
    ret->offset_s = 0;
    return epoch_read(&self->epoch, date->text, date->size, &ret->time_ms) ? BAR_TIME_READ
                                                                           : BAR_TIME_WRONG;
}

/* ---- for people ------------------------------------------------------------------------- */

static void
show_offset(int32_t offset_s, char out[8])
{
    const int minutes = abs(offset_s) / 60;

    snprintf(out, 8, "%c%02d:%02d", offset_s < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
}

static void
describe_zone(const struct bar_time *self, const char *timezone, struct data_report *report)
{
    char first[8], second[8];

    if (timezone) {
        snprintf(report->zone, sizeof report->zone, "%.36s (given)", timezone);
    } else if (self->kind == BAR_TIME_EPOCH) {
        snprintf(report->zone, sizeof report->zone, "UTC (epoch)");
    } else if (self->offset == 0) {
        snprintf(report->zone, sizeof report->zone, "UTC (none in the file)");
    } else {
        show_offset(self->offsets[0], first);
        show_offset(self->offsets[1], second);
        if (self->offsets[0] == self->offsets[1])
            snprintf(report->zone, sizeof report->zone, "%s (file)",
                     self->offsets[0] ? first : "UTC");
        else
            snprintf(report->zone, sizeof report->zone, "%s and %s (file)", first, second);
    }
}

void
bar_time_describe(const struct bar_time *self, const struct data_options *options,
                  struct data_report *report)
{
    char *dates = report->dates, example[DATA_WORD_BYTES];
    const size_t size = sizeof report->dates;
    const char *unit = self->kind == BAR_TIME_EPOCH ? epoch_unit(&self->epoch) : NULL;

    findings_quote(self->first.text, self->first.size, example);
    if (unit)
        snprintf(dates, size, "%s", unit);
    else if (self->order != STAMP_UNKNOWN)
        snprintf(dates, size, "%s",
                 self->order == STAMP_DAY_FIRST ? "day/month/year" : "month/day/year");
    else if (self->first.size >= 10 && self->first.text[4] == '-')
        snprintf(dates, size, "ISO");
    else
        snprintf(dates, size, "as %.42s", example);
    describe_zone(self, options->timezone, report);
}
