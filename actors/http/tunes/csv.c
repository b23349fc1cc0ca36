#include "actors/http/tunes/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"
#include "proto/message.h"

struct csv {
    FILE *out;
    char *text;
    size_t size;
    bool is_in_row;
};

csv_t *
csv_new(void)
{
    csv_t *self = zmalloc(sizeof(*self));

    self->out = open_memstream(&self->text, &self->size);
    assert(self->out);
    return self;
}

void
csv_destroy(csv_t **self_p)
{
    csv_t *self = *self_p;

    if (!self)
        return;
    fclose(self->out);
    free(self->text);
    free(self);
    *self_p = NULL;
}

static void
begin_cell(csv_t *self)
{
    if (self->is_in_row)
        fputc(',', self->out);
    self->is_in_row = true;
}

void
csv_text(csv_t *self, const char *text)
{
    bool is_formula = *text && strchr("=+-@\t\r", *text);

    begin_cell(self);
    if (!is_formula && !strpbrk(text, ",\"\r\n")) {
        fputs(text, self->out);
        return;
    }
    fputs(is_formula ? "\"'" : "\"", self->out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', self->out);
        fputc(*text, self->out);
    }
    fputc('"', self->out);
}

void
csv_number(csv_t *self, double value)
{
    char text[40];
    int digits = 15;

    do {
        snprintf(text, sizeof(text), "%.*g", digits, value);
    } while (strtod(text, NULL) != value && ++digits <= 17);
    begin_cell(self);
    fputs(text, self->out);
}

void
csv_value(csv_t *self, const json_t *value)
{
    tm_auto(tm_text) text = NULL;

    if (!value || json_is_null(value)) {
        csv_text(self, "");
    } else if (json_is_string(value)) {
        csv_text(self, json_string_value(value));
    } else if (json_is_number(value)) {
        csv_number(self, json_number_value(value));
    } else {
        text = json_text_of(value, JSON_COMPACT | JSON_ENCODE_ANY);
        csv_text(self, text ? text : "");
    }
}

void
csv_end_row(csv_t *self)
{
    fputs("\r\n", self->out);
    self->is_in_row = false;
}

char *
csv_take(csv_t *self, size_t *ret_size)
{
    char *copy;

    fflush(self->out);
    copy = malloc(self->size + 1);
    assert(copy);
    memcpy(copy, self->text, self->size + 1);
    *ret_size = self->size;
    return copy;
}

/* Columns: a member of an item, or with a dot a member of its summary. */
static const char *const columns[] = {
    "rank",
    "tune_id",
    "run_id",
    "strategy_entity_id",
    "strategy_name",
    "objective_type",
    "objective_score",
    "score",
    "score_is",
    "score_oos",
    "overfit_gap",
    ".return_pct",
    ".max_drawdown_pct",
    ".sharpe",
    ".win_rate",
    ".trades",
    ".buy_hold_return_pct",
    ".avg_trade_pct",
    ".profit_factor",
    "params",
    "created_at",
    "status",
    "oos_ratio",
    "gates",
    "overfit",
};

static const json_t *
leaderboard_cell(const json_t *item, const char *column)
{
    if (*column == '.')
        return json_object_get(json_object_get(item, "summary"), column + 1);
    return json_object_get(item, column);
}

char *
csv_leaderboard(const char *json, size_t *ret_size)
{
    tm_auto(json) root = json_loads(json, 0, NULL);
    tm_auto(csv) csv = csv_new();
    const json_t *items = json_object_get(root, "items"), *item;
    size_t index;

    if (!json_is_array(items))
        return NULL;
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        csv_text(csv, columns[i] + (*columns[i] == '.'));
    csv_end_row(csv);
    json_array_foreach(items, index, item)
    {
        for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
            csv_value(csv, leaderboard_cell(item, columns[i]));
        csv_end_row(csv);
    }
    return csv_take(csv, ret_size);
}
