#include "actors/tune/data/data.h"

#include <stdio.h>
#include <string.h>

#include "actors/tune/data/bar_checks.h"
#include "actors/tune/data/container.h"
#include "actors/tune/data/encoding.h"
#include "actors/tune/data/findings.h"
#include "actors/tune/data/layout.h"

/* One reading, from bytes to bars. */
struct reading {
    const struct data_options *options;
    struct data_report *report;
    struct text text;
    struct layout layout;
    struct bar_reader reader;
};

static tm_err_t
open_zone(struct reading *self)
{
    char why[ZONE_WHY];

    if (!self->options->timezone)
        return TM_OK;
    const tm_err_t err = zone_new(self->options->timezone, &self->reader.time.zone, why);
    return err == TM_DATA_PARSE_FAILED
               ? findings_refuse(self->report, DATA_TIMEZONE, 0, "timezone: %s", why)
               : err;
}

static tm_err_t
unpack(struct reading *self)
{
    const size_t max = self->options->max_bytes ? self->options->max_bytes : DATA_UNPACKED_MAX;
    tm_err_t err = container_open(&self->text, max, self->report);

    return err ? err : encoding_normalise(&self->text, self->report);
}

static tm_err_t
lay_out(struct reading *self)
{
    return layout_find(&self->text, self->options, self->report, self->reader.row,
                       &self->layout);
}

static tm_err_t
read_bars(struct reading *self)
{
    self->reader.options = self->options;
    self->reader.report = self->report;
    self->reader.layout = &self->layout;
    return bar_reader_run(&self->reader);
}

static tm_err_t
check_bars(struct reading *self)
{
    return bar_checks_run(&self->reader);
}

static void
show_end(const struct cell cells[2], char out[DATA_WORD_BYTES])
{
    char date[DATA_WORD_BYTES], clock[DATA_WORD_BYTES];

    findings_quote(cells[0].text, cells[0].size, date);
    findings_quote(cells[1].text, cells[1].size, clock);
    snprintf(out, DATA_WORD_BYTES, "%.30s%s%.16s", date, clock[0] ? " " : "", clock);
}

static tm_err_t
describe(struct reading *self)
{
    struct data_report *report = self->report;
    const bars_t *bars = self->reader.bars;
    const size_t last = bars->count - 1;

    bar_time_describe(&self->reader.time, self->options, report);
    snprintf(report->numbers, sizeof report->numbers, "%s",
             number_example(&self->reader.numbers));
    show_end(self->reader.first, report->first);
    show_end(self->reader.last, report->last);
    report->first_ms = bars->time_ms[0];
    report->last_ms = bars->time_ms[last];
    report->first_offset_s = bars->offset_s ? bars->offset_s[0] : 0;
    report->last_offset_s = bars->offset_s ? bars->offset_s[last] : 0;
    report->bars = bars->count;
    bars_timeframe(bars, report->timeframe);
    return TM_OK;
}

typedef tm_err_t step_fn(struct reading *self);

static step_fn *const steps[] = {open_zone, unpack, lay_out, read_bars, check_bars, describe};

tm_err_t
data_read(const void *bytes, size_t size, const struct data_options *options,
          struct data_report *ret_report, bars_t **ret)
{
    struct reading self = {
        .options = options, .report = ret_report, .text = {.at = bytes, .size = size}};
    tm_err_t err = TM_OK;

    memset(ret_report, 0, sizeof *ret_report);
    self.reader.row = calloc(DATA_MAX_COLUMNS, sizeof *self.reader.row);
    if (!self.reader.row)
        return TM_NO_MEMORY;
    if (size == 0)
        err = findings_refuse(ret_report, DATA_EMPTY, 0, "the file is empty");
    for (size_t i = 0; !err && i < sizeof steps / sizeof steps[0]; i++)
        err = steps[i](&self);
    if (err)
        bars_destroy(&self.reader.bars);
    else
        *ret = self.reader.bars;
    zone_destroy(&self.reader.time.zone);
    free(self.reader.offsets);
    free(self.reader.row);
    free(self.text.owned);
    return err;
}
