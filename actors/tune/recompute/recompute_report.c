/* The body is three texts, joined: the head, whose figures have all their digits, the curve and
 * the trades, whose figures have as many as a person needs. What is too large is halved until
 * all fit. */
#include "actors/tune/recompute/recompute_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/clock.h"
#include "actors/tune/recompute/curve.h"
#include "actors/tune/store/report.h"

#define LIST_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(12))

struct report {
    const struct recompute_result *result;
    curve_t *curve;
    size_t points, trades;        /* at most so many */
    size_t *chosen;               /* points of the curve */
    size_t chosen_count;          /* of them */
    size_t trade_count;           /* of both windows, shown or not */
    char *head, *lists, *trading; /* the texts; NULL: not made yet */
};

static bool
make_curve(struct report *self)
{
    const struct recompute_result *result = self->result;

    self->curve = curve_new(result->bars.count);
    self->chosen = calloc(self->points, sizeof(*self->chosen));
    if (!self->curve || !self->chosen)
        return false;
    for (size_t i = 0; i < result->window_count; i++) {
        const struct recompute_window *window = &result->windows[i];

        curve_add(self->curve, &window->bars, window->trace->equity, result->cash);
        self->trade_count += window->trace->trade_count;
    }
    return true;
}

static char *
curve_text(struct report *self)
{
    const curve_t *curve = self->curve;
    json_t *points = json_array(), *drawdown = json_array();
    json_t *root = json_pack("{s:o, s:o}", "equity_curve", points, "drawdown", drawdown);
    char time[CLOCK_TEXT], *text;

    self->chosen_count = curve_choose(curve, self->points, self->chosen);
    for (size_t i = 0; i < self->chosen_count; i++) {
        const struct curve_point *point = &curve->points[self->chosen[i]];

        json_array_append_new(points,
                              json_pack("{s:s, s:o}", "t", clock_text(point->time_ms, time),
                                        "equity", report_number(point->equity)));
        json_array_append_new(drawdown, report_number(point->drawdown_pct));
    }
    text = json_dumps(root, LIST_FLAGS);
    json_decref(root);
    return text;
}

json_t *
recompute_trade_json(const struct trade *trade)
{
    char entry[CLOCK_TEXT], exit[CLOCK_TEXT];

    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:s}", "entry_time",
        clock_text(trade->entry_time_ms, entry), "exit_time",
        clock_text(trade->exit_time_ms, exit), "side", trade_side(trade), "entry_price",
        report_number(trade->entry_price), "exit_price", report_number(trade->exit_price),
        "size", report_number(trade->size), "pnl", report_number(trade->pnl), "return_pct",
        report_number(trade->return_pct), "duration_bars",
        (json_int_t)trade_duration_bars(trade), "reason", trade_reason_name(trade->reason));
}

/* The last ones: of a split, those that are judged. */
static char *
trades_text(const struct report *self)
{
    size_t left_out = self->trade_count > self->trades ? self->trade_count - self->trades : 0;
    json_t *trades = json_array(), *root = json_pack("{s:o}", "trades", trades);
    char *text;

    for (size_t i = 0; i < self->result->window_count; i++) {
        const backtest_trace_t *trace = self->result->windows[i].trace;
        const size_t first = left_out < trace->trade_count ? left_out : trace->trade_count;

        left_out -= first;
        for (size_t k = first; k < trace->trade_count; k++)
            json_array_append_new(trades, recompute_trade_json(&trace->trades[k]));
    }
    text = json_dumps(root, LIST_FLAGS);
    json_decref(root);
    return text;
}

static json_t *
metric_json(const struct metrics *metrics, size_t index)
{
    const double value = metrics_value(metrics, index);

    return metrics_info(index)->kind == METRIC_COUNT && isfinite(value)
               ? json_integer((json_int_t)value)
               : report_number(value);
}

static json_t *
summary(const struct recompute_result *result)
{
    static const size_t shown[] = {METRIC_INDEX_return_pct,    METRIC_INDEX_max_drawdown_pct,
                                   METRIC_INDEX_sharpe,        METRIC_INDEX_win_rate,
                                   METRIC_INDEX_trades,        METRIC_INDEX_buy_hold_return_pct,
                                   METRIC_INDEX_avg_trade_pct, METRIC_INDEX_profit_factor};
    json_t *object;

    if (result->window_count == 0)
        return json_null();
    object = json_object();
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        json_object_set_new(object, metrics_info(shown[i])->name,
                            metric_json(&result->windows[result->judged].metrics, shown[i]));
    return object;
}

/* What was computed stands for what was stored: it is the curve's. */
static void
set_metrics(json_t *head, const struct recompute_result *result)
{
    static const char *const members[] = {"metrics_is", "metrics_oos"};

    for (size_t i = 0; i < result->window_count; i++) {
        json_t *object = json_object();

        for (size_t k = 0; k < METRIC_COUNT_ALL; k++)
            json_object_set_new(object, metrics_info(k)->name,
                                metric_json(&result->windows[i].metrics, k));
        json_object_set_new(head, members[i], object);
    }
    if (result->params)
        json_object_set(head, "params", result->params);
}

static json_t *
evaluated_on(const struct recompute_result *result)
{
    if (result->window_count == 0)
        return json_null();
    return json_string(result->judged > 0 ? "oos" : "primary");
}

static json_t *
split_at(const struct report *self)
{
    const curve_t *curve = self->curve;
    char time[CLOCK_TEXT];
    size_t point = 0;

    if (self->result->window_count < 2)
        return json_null();
    while (self->chosen[point] < curve->split)
        point++;
    return json_pack("{s:I, s:I, s:s}", "index", (json_int_t)curve->split, "point",
                     (json_int_t)point, "t",
                     clock_text(curve->points[curve->split].time_ms, time));
}

static json_t *
warnings(const struct report *self)
{
    json_t *list = json_copy(self->result->warnings);

    if (self->chosen_count < self->curve->count)
        json_array_append_new(
            list,
            json_sprintf("the equity curve has %zu points; %zu are shown, with the extremes "
                         "between them",
                         self->curve->count, self->chosen_count));
    if (self->trade_count > self->trades)
        json_array_append_new(list, json_sprintf("there are %zu trades; the last %zu are shown",
                                                 self->trade_count, self->trades));
    return list;
}

static char *
head_text(const struct report *self)
{
    const struct recompute_result *result = self->result;
    json_t *head = json_copy(json_object_get(result->row, "trial"));

    json_object_update(head, (json_t *)(uintptr_t)result->row);
    json_object_del(head, "trial");
    set_metrics(head, result);
    json_object_set_new(head, "summary", summary(result));
    json_object_set_new(head, "evaluated_on", evaluated_on(result));
    json_object_set_new(head, "split_at", split_at(self));
    json_object_set_new(head, "dataset",
                        result->window_count
                            ? report_dataset(result->sha256, &result->bars, result->read)
                            : json_null());
    json_object_set_new(head, "trade_count", json_integer((json_int_t)self->trade_count));
    json_object_set_new(head, "warnings", warnings(self));
    return report_text(&head);
}

/* {"a":1} and {"b":2} and {"c":3}, as one object. */
static char *
join(const struct report *self)
{
    char *text;

    if (asprintf(&text, "%.*s,%.*s,%s", (int)strlen(self->head) - 1, self->head,
                 (int)strlen(self->lists) - 2, self->lists + 1, self->trading + 1) < 0)
        return NULL;
    return text;
}

static bool
make_texts(struct report *self)
{
    free(self->head);
    if (!self->lists)
        self->lists = curve_text(self);
    if (!self->trading)
        self->trading = trades_text(self);
    self->head = self->lists && self->trading ? head_text(self) : NULL;
    return self->head != NULL;
}

/* Halves the larger of the two; false when there is nothing left to halve. */
static bool
shrink(struct report *self)
{
    const bool has_points = self->points > CURVE_POINTS_MIN;
    const bool is_curve =
        has_points && (self->trades == 0 || strlen(self->lists) > strlen(self->trading));
    char **text = is_curve ? &self->lists : &self->trading;

    if (!is_curve && self->trades == 0)
        return false;
    if (is_curve)
        self->points =
            self->points / 2 > CURVE_POINTS_MIN ? self->points / 2 : CURVE_POINTS_MIN;
    else
        self->trades =
            (self->trade_count < self->trades ? self->trade_count : self->trades) / 2;
    free(*text);
    *text = NULL;
    return true;
}

static char *
fit(struct report *self, size_t max_bytes)
{
    do {
        if (!make_texts(self))
            return NULL;
        if (strlen(self->head) + strlen(self->lists) + strlen(self->trading) <= max_bytes)
            return join(self);
    } while (shrink(self));
    return NULL;
}

char *
recompute_report(const struct recompute_result *self, size_t points, size_t max_bytes)
{
    struct report report = {.result = self, .points = points, .trades = RECOMPUTE_TRADES_MAX};
    char *text = make_curve(&report) ? fit(&report, max_bytes) : NULL;

    free(report.head);
    free(report.lists);
    free(report.trading);
    free(report.chosen);
    curve_destroy(&report.curve);
    return text;
}
