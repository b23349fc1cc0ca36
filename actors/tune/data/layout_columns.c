#include "actors/tune/data/layout_columns.h"

#include <stdio.h>
#include <string.h>

#include "actors/kit/fields/fields.h"
#include "actors/tune/data/findings.h"

#define NAMES_SHOWN    8
#define NAMES_COMPARED 64
#define VOLUME_PROBE   1000 /* rows that are looked at for a volume that is not 0 */

static void
show_name(const struct cell *names, size_t at, char out[DATA_WORD_BYTES])
{
    if (names[at].size == 0)
        snprintf(out, DATA_WORD_BYTES, "column %zu", at + 1);
    else
        findings_quote(names[at].text, names[at].size, out);
}

/* ---- the report ------------------------------------------------------------------------- */

static void
report_column(struct data_report *report, const struct cell *names, size_t at,
              const char *meaning)
{
    if (at == HEADER_NONE || report->column_count == DATA_MEANINGS_MAX)
        return;
    struct data_column *column = &report->columns[report->column_count++];

    show_name(names, at, column->name);
    snprintf(column->meaning, sizeof column->meaning, "%s", meaning);
}

void
layout_columns_report(struct data_report *report, const struct cell *names, struct layout *ret)
{
    static const enum meaning meanings[VALUES] = {MEANS_OPEN, MEANS_HIGH, MEANS_LOW,
                                                  MEANS_CLOSE, MEANS_VOLUME};

    report->column_count = 0;
    report_column(report, names, ret->date,
                  ret->time == HEADER_NONE ? "date and time" : "date");
    report_column(report, names, ret->time, "time");
    report_column(report, names, ret->symbol, "symbol");
    ret->needed = ret->date + 1;
    if (ret->time != HEADER_NONE && ret->time >= ret->needed)
        ret->needed = ret->time + 1;
    for (size_t i = 0; i < VALUES; i++) {
        report_column(report, names, ret->values[i], header_word(meanings[i]));
        if (ret->values[i] != HEADER_NONE && ret->values[i] >= ret->needed)
            ret->needed = ret->values[i] + 1;
    }
}

/* ---- refusals --------------------------------------------------------------------------- */

static void
list_names(const struct cell *names, size_t count, char *out, size_t size)
{
    size_t used = 0;
    char name[DATA_WORD_BYTES];

    out[0] = '\0';
    for (size_t i = 0; i < count && i < NAMES_SHOWN && used + DATA_WORD_BYTES + 4 < size; i++) {
        findings_quote(names[i].text, names[i].size, name);
        used += (size_t)snprintf(out + used, size - used, "%s\"%s\"", i ? ", " : "", name);
    }
    if (count > NAMES_SHOWN && used + 8 < size)
        snprintf(out + used, size - used, ", ...");
}

/* The column that may have been meant: false if none is close. */
static bool
find_slip(const struct layout_columns *self, size_t count, const char *word,
          char out[DATA_WORD_BYTES])
{
    char names[NAMES_COMPARED][DATA_WORD_BYTES];
    const char *candidates[NAMES_COMPARED], *best;
    size_t kept = 0;

    for (size_t i = 0; i < count && kept < NAMES_COMPARED; i++) {
        findings_quote(self->names[i].text, self->names[i].size, names[kept]);
        candidates[kept] = names[kept];
        kept += strlen(names[kept]) >= 3;
    }
    best = fields_nearest(word, candidates, kept);
    if (best)
        snprintf(out, DATA_WORD_BYTES, "%s", best);
    return best != NULL;
}

tm_err_t
layout_columns_missing(const struct layout_columns *self, size_t count)
{
    const struct header *header = self->header;
    char missing[64] = "", seen[DATA_TEXT_BYTES * 2], near[DATA_WORD_BYTES];
    const char *first = NULL;
    size_t used = 0;

    for (size_t i = MEANS_INDEX; i <= MEANS_VOLUME; i++) {
        const bool is_time = i == MEANS_INDEX;

        if (is_time ? header_has_time(header) : header->at[i] != HEADER_NONE)
            continue;
        if (i == MEANS_VOLUME && (!self->options->reads_volume || header->asset_count ||
                                  header->at[MEANS_TICKS] != HEADER_NONE))
            continue;
        const char *word = is_time ? "date" : header_word((enum meaning)i);
        first = first ? first : word;
        used += (size_t)snprintf(missing + used, sizeof missing - used, "%s%s",
                                 used ? ", " : "", word);
    }
    list_names(self->names, count, seen, sizeof seen);
    const bool is_slip = first && find_slip(self, count, first, near);
    return findings_refuse(self->report, DATA_NO_COLUMN, self->header_line,
                           "the header names no column for %s; it has %s (separator %s)%s%s%s",
                           missing, seen, self->report->separator,
                           is_slip ? "; did you mean " : "", is_slip ? near : "",
                           is_slip ? "?" : "");
}

static tm_err_t
refuse_two(const struct layout_columns *self, const char *word, size_t a, size_t b)
{
    char first[DATA_WORD_BYTES], second[DATA_WORD_BYTES];

    show_name(self->names, a, first);
    show_name(self->names, b, second);
    return findings_refuse(self->report, DATA_TWO_COLUMNS, self->header_line,
                           "the header names two columns for %s: \"%s\" and \"%s\"; remove "
                           "one",
                           word, first, second);
}

/* ---- time ------------------------------------------------------------------------------- */

static tm_err_t
choose_time(const struct layout_columns *self, struct layout *ret)
{
    const size_t *at = self->header->at, *again = self->header->again;
    const size_t stamp = at[MEANS_STAMP], date = at[MEANS_DATE], time = at[MEANS_TIME];

    for (size_t i = MEANS_DATE; i <= MEANS_UNIX; i++) {
        if (again[i] != HEADER_NONE)
            return refuse_two(self, header_word((enum meaning)i), at[i], again[i]);
    }
    ret->time = ret->unix_time = HEADER_NONE;
    if (stamp != HEADER_NONE && (date != HEADER_NONE || time != HEADER_NONE))
        return refuse_two(self, "date", stamp, date != HEADER_NONE ? date : time);
    if (stamp != HEADER_NONE)
        ret->date = stamp;
    else if (date != HEADER_NONE)
        ret->date = date;
    else if (time != HEADER_NONE)
        ret->date = time;
    else if (at[MEANS_UNIX] != HEADER_NONE)
        ret->date = at[MEANS_UNIX];
    else
        ret->date = at[MEANS_INDEX];
    if (date != HEADER_NONE)
        ret->time = time;
    if (ret->date != at[MEANS_UNIX])
        ret->unix_time = at[MEANS_UNIX];
    return TM_OK;
}

/* ---- volume ----------------------------------------------------------------------------- */

/* Is it 0 in all of the first rows? */
static bool
is_all_zero(const struct layout *layout, size_t at)
{
    struct cells cells;
    struct cell row[64];
    size_t count;

    cells_init(&cells, layout->rows.at, layout->rows.size, layout->separator);
    for (size_t i = 0; i < VOLUME_PROBE && (count = cells_row(&cells, row, 64)) > 0; i++) {
        for (size_t k = 0; at < count && at < 64 && k < row[at].size; k++) {
            if (row[at].text[k] >= '1' && row[at].text[k] <= '9')
                return false;
        }
    }
    return true;
}

/* The symbol of the first row, folded; "" if there is none. */
static void
first_symbol(const struct layout *layout, char out[HEADER_FOLD_MAX])
{
    struct cells cells;
    struct cell row[64];

    out[0] = '\0';
    cells_init(&cells, layout->rows.at, layout->rows.size, layout->separator);
    if (layout->symbol != HEADER_NONE && layout->symbol < 64 &&
        cells_row(&cells, row, 64) > layout->symbol)
        header_fold(&row[layout->symbol], out);
}

/* Of volumes that are named after assets, the base asset's: the one that the symbol begins
 * with, or the only one that is no currency. HEADER_NONE: they do not say. */
static size_t
base_of(const struct layout_columns *self, const struct layout *layout)
{
    const struct header *header = self->header;
    char symbol[HEADER_FOLD_MAX];
    size_t base = HEADER_NONE, bases = 0;

    first_symbol(layout, symbol);
    for (size_t i = 0; symbol[0] && i < header->asset_count; i++) {
        const char *asset = header->assets[i].asset;

        if (strncmp(symbol, asset, strlen(asset)) == 0)
            return header->assets[i].at;
    }
    for (size_t i = 0; i < header->asset_count; i++) {
        if (!header_is_quote(header->assets[i].asset)) {
            base = header->assets[i].at;
            bases++;
        }
    }
    if (header->asset_count == 1)
        return header->assets[0].at;
    return bases == 1 ? base : HEADER_NONE;
}

static tm_err_t
choose_asset(const struct layout_columns *self, struct layout *ret)
{
    const struct header *header = self->header;
    const size_t base = base_of(self, ret);
    char name[DATA_WORD_BYTES], other[DATA_WORD_BYTES];

    ret->values[VALUE_VOLUME] = base;
    show_name(self->names, header->assets[0].at, name);
    if (base == HEADER_NONE) {
        show_name(self->names, header->assets[1].at, other);
        if (self->options->reads_volume)
            return findings_refuse(self->report, DATA_VOLUMES, self->header_line,
                                   "\"%s\" and \"%s\": which one is the base asset's volume "
                                   "is not said; rename it to volume",
                                   name, other);
        findings_note(self->report, "no volume is read: \"%s\" or \"%s\" may be meant", name,
                      other);
        return TM_OK;
    }
    show_name(self->names, base, name);
    if (header->asset_count > 1) {
        show_name(self->names, header->assets[header->assets[0].at == base].at, other);
        findings_note(self->report, "volume is \"%s\", the base asset's; \"%s\" is left out",
                      name, other);
    }
    return TM_OK;
}

static tm_err_t
choose_volume(const struct layout_columns *self, struct layout *ret)
{
    const struct header *header = self->header;
    const size_t volume = header->at[MEANS_VOLUME], ticks = header->at[MEANS_TICKS];
    const size_t quote = header->at[MEANS_QUOTE_VOLUME];
    char name[DATA_WORD_BYTES];

    ret->values[VALUE_VOLUME] = volume;
    if (header->again[MEANS_VOLUME] != HEADER_NONE)
        return refuse_two(self, "volume", volume, header->again[MEANS_VOLUME]);
    if (volume != HEADER_NONE && ticks != HEADER_NONE) {
        const bool has_real = !is_all_zero(ret, volume);

        ret->values[VALUE_VOLUME] = has_real ? volume : ticks;
        show_name(self->names, has_real ? ticks : volume, name);
        findings_note(self->report, "volume is the %s; \"%s\" is left out",
                      has_real ? "real one" : "count of ticks, for the real one is 0", name);
    } else if (volume != HEADER_NONE) {
        if (header->asset_count || quote != HEADER_NONE) {
            show_name(self->names, header->asset_count ? header->assets[0].at : quote, name);
            findings_note(self->report, "other volumes, as \"%s\", are left out", name);
        }
    } else if (header->asset_count) {
        return choose_asset(self, ret);
    } else if (ticks != HEADER_NONE) {
        ret->values[VALUE_VOLUME] = ticks;
        findings_note(self->report, "volume is the count of ticks");
    } else if (quote != HEADER_NONE) {
        ret->values[VALUE_VOLUME] = quote;
        show_name(self->names, quote, name);
        findings_warn(self->report, "volume is \"%s\", in the currency and not in units", name);
    }
    return TM_OK;
}

/* ---- the whole -------------------------------------------------------------------------- */

tm_err_t
layout_columns_choose(const struct layout_columns *self, struct layout *ret)
{
    const struct header *header = self->header;
    char name[DATA_WORD_BYTES];
    tm_err_t err = choose_time(self, ret);

    for (size_t i = 0; !err && i < VALUE_VOLUME; i++) {
        const size_t at = header->at[MEANS_OPEN + i], again = header->again[MEANS_OPEN + i];

        ret->values[i] = at;
        if (again != HEADER_NONE)
            err = refuse_two(self, header_word((enum meaning)(MEANS_OPEN + i)), at, again);
    }
    ret->symbol = header->at[MEANS_SYMBOL];
    if (!err)
        err = choose_volume(self, ret);
    if (!err && ret->values[VALUE_VOLUME] == HEADER_NONE && self->options->reads_volume)
        err = layout_columns_missing(self, ret->column_count);
    if (err)
        return err;
    if (ret->values[VALUE_VOLUME] == HEADER_NONE)
        findings_note(self->report, "there is no volume, and the strategy reads none");
    if (header->close_is_adjusted) {
        show_name(self->names, header->adjusted, name);
        findings_note(
            self->report,
            "\"%s\" is the close, so open, high and low count as adjusted with it: it "
            "must lie between low and high",
            name);
    } else if (header->adjusted != HEADER_NONE) {
        show_name(self->names, header->adjusted, name);
        findings_note(self->report, "\"%s\" is left out: close is as it was traded", name);
    }
    return TM_OK;
}
