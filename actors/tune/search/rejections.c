#include "actors/tune/search/rejections.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/contracts/tune_spec.h"
#include "actors/tune/store/report.h"

#define TEXT_BYTES 400

/* What a trial has of which there is a limit. */
enum limit { LIMIT_TRADES, LIMIT_DRAWDOWN, LIMIT_COUNT, LIMIT_NONE = LIMIT_COUNT };

/* As the engine's reasons begin, and what each is in words. */
static const struct reason {
    const char *name;
    enum limit limit;
    const char *words; /* of one trial's fault */
} reasons[] = {
    {"warm_up", LIMIT_NONE, "an indicator without a value before the last bar"},
    {"min_trades_not_met", LIMIT_TRADES, "fewer trades than min_trades"},
    {"gate:max_drawdown_pct", LIMIT_DRAWDOWN,
     "a deeper drawdown than the gate max_drawdown_pct"},
    {"gate:min_trades", LIMIT_TRADES, "fewer trades than the gate min_trades"},
    {"objective_undefined", LIMIT_NONE, "no value of the objective"},
};

enum { REASON_COUNT = sizeof(reasons) / sizeof(reasons[0]) };

/* The values of trials that only this limit rejects. */
struct candidates {
    double *values;
    size_t count;
};

struct tally {
    const struct tune_options *options;
    uint64_t counts[REASON_COUNT];
    double nearest[REASON_COUNT];
    struct candidates only[LIMIT_COUNT];
};

static bool
is_gate(size_t reason)
{
    return strncmp(reasons[reason].name, "gate:", 5) == 0;
}

/* The limit that the trial must keep within, whoever set it. */
static double
trades_needed(const struct tune_options *options)
{
    return options->min_trades > options->gate_min_trades ? options->min_trades
                                                          : options->gate_min_trades;
}

static size_t
reason_of(const struct trial_row *row)
{
    for (size_t i = 0; i < REASON_COUNT; i++) {
        size_t size = strlen(reasons[i].name);
        if (strncmp(row->reason, reasons[i].name, size) == 0 && row->reason[size] == ' ')
            return i;
    }
    return REASON_COUNT;
}

static double
value_of(const struct metrics *metrics, enum limit limit)
{
    switch (limit) {
    case LIMIT_TRADES:
        return metrics->trades;
    case LIMIT_DRAWDOWN:
        return -metrics->max_drawdown_pct;
    case LIMIT_COUNT:
        break;
    }
    return (double)NAN;
}

static bool
is_nearer(enum limit limit, double value, double than)
{
    return isnan(than) || (limit == LIMIT_TRADES ? value > than : value < than);
}

static void
add_candidate(struct tally *self, const struct trial_row *row, const struct metrics *metrics)
{
    const struct tune_options *options = self->options;
    const bool lacks_trades = metrics->trades < trades_needed(options);
    const bool fell_too_far =
        value_of(metrics, LIMIT_DRAWDOWN) > options->gate_max_drawdown_pct;
    const enum limit limit = lacks_trades ? LIMIT_TRADES : LIMIT_DRAWDOWN;
    struct candidates *only = &self->only[limit];

    if (lacks_trades != fell_too_far && isfinite(row->objective_score) && metrics->trades >= 1)
        only->values[only->count++] = value_of(metrics, limit);
}

static void
add_rejected(struct tally *self, const struct trial_row *row, const struct metrics *metrics)
{
    const size_t reason = reason_of(row);

    if (reason == REASON_COUNT)
        return;
    const double value = value_of(metrics, reasons[reason].limit);

    self->counts[reason]++;
    if (is_nearer(reasons[reason].limit, value, self->nearest[reason]))
        self->nearest[reason] = value;
    add_candidate(self, row, metrics);
}

static void
count_trials(struct tally *self, const trials_t *trials)
{
    const bool is_oos = trials_is_split(trials) && self->options->select_on_oos;
    struct trials_cursor cursor = {0};
    struct trial_row row;

    for (size_t i = 0; i < REASON_COUNT; i++)
        self->nearest[i] = (double)NAN;
    while (trials_next(trials, &cursor, &row))
        if (row.status == TRIAL_SKIPPED)
            add_rejected(self, &row, is_oos ? &row.oos : &row.is);
}

/* --- what would let some through ---------------------------------------------------------- */

static int
by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Those that the reason names: the user's own minimum is asked before the gate. */
static struct candidates
own_candidates(const struct tally *self, size_t reason)
{
    const struct candidates *only = &self->only[reasons[reason].limit];
    size_t below = 0;

    if (reasons[reason].limit != LIMIT_TRADES)
        return *only;
    while (below < only->count && only->values[below] < self->options->min_trades)
        below++;
    if (is_gate(reason))
        return (struct candidates){only->values + below, only->count - below};
    return (struct candidates){only->values, below};
}

/* The least change that lets enough of them through, in steps that people write: whole trades,
 * tenths of a percent. NaN: there is none. */
static double
relaxed_limit(const struct tally *self, size_t reason)
{
    const struct candidates own = own_candidates(self, reason);
    const size_t enough = own.count < REJECTIONS_ENOUGH ? own.count : REJECTIONS_ENOUGH;

    if (enough == 0)
        return (double)NAN;
    if (reasons[reason].limit == LIMIT_TRADES)
        return own.values[own.count - enough];
    const double value = own.values[enough - 1], to = ceil(value * 10) / 10;

    return to < value ? to + 0.1 : to;
}

static uint64_t
let_through(const struct candidates *only, enum limit limit, double at)
{
    uint64_t count = 0;

    for (size_t i = 0; i < only->count; i++)
        count += limit == LIMIT_TRADES ? only->values[i] >= at : only->values[i] <= at;
    return count;
}

static json_t *
relax_json(const struct tally *self, enum limit limit, double to, uint64_t count)
{
    json_t *relax = json_object(), *gates = json_object();

    if (limit == LIMIT_DRAWDOWN)
        json_object_set_new(gates, "max_drawdown_pct",
                            to < TUNE_GATE_OFF_DRAWDOWN_PCT ? json_real(to) : json_null());
    else if (to < self->options->gate_min_trades)
        json_object_set_new(gates, "min_trades", json_integer((json_int_t)to));
    if (json_object_size(gates) > 0)
        json_object_set(relax, "gates", gates);
    json_decref(gates);
    if (limit == LIMIT_TRADES && to < self->options->min_trades)
        json_object_set_new(relax, "min_trades", json_integer((json_int_t)to));
    json_object_set_new(relax, "lets_through", json_integer((json_int_t)count));
    return relax;
}

/* --- in words ----------------------------------------------------------------------------- */

static double
limit_of(const struct tally *self, size_t reason)
{
    if (reasons[reason].limit == LIMIT_DRAWDOWN)
        return self->options->gate_max_drawdown_pct;
    return is_gate(reason) ? self->options->gate_min_trades : self->options->min_trades;
}

/* "gates.min_trades 10 -> 6, min_trades 8 -> 6" */
static void
say_change(const struct tally *self, enum limit limit, double to, char *text, size_t size)
{
    const struct tune_options *options = self->options;
    int used = 0;

    if (limit == LIMIT_DRAWDOWN && to >= TUNE_GATE_OFF_DRAWDOWN_PCT)
        snprintf(text, size, "gates.max_drawdown_pct switched off");
    else if (limit == LIMIT_DRAWDOWN)
        snprintf(text, size, "gates.max_drawdown_pct %g -> %g", options->gate_max_drawdown_pct,
                 to);
    if (limit == LIMIT_DRAWDOWN)
        return;
    if (to < options->gate_min_trades)
        used =
            snprintf(text, size, "gates.min_trades %u -> %.0f", options->gate_min_trades, to);
    if (to < options->min_trades)
        snprintf(text + used, size - (size_t)used, "%smin_trades %u -> %.0f",
                 used ? " and " : "", options->min_trades, to);
}

static void
say_rejection(const struct tally *self, size_t reason, double to, char text[TEXT_BYTES])
{
    const enum limit limit = reasons[reason].limit;
    char change[TEXT_BYTES / 2] = "";
    int used = snprintf(
        text, TEXT_BYTES, "%llu %s %s", (unsigned long long)self->counts[reason],
        self->counts[reason] == 1 ? "trial has" : "trials have", reasons[reason].words);

    if (limit == LIMIT_TRADES)
        used +=
            snprintf(text + used, TEXT_BYTES - (size_t)used, " (%.0f); the nearest has %.0f",
                     limit_of(self, reason), self->nearest[reason]);
    else if (limit == LIMIT_DRAWDOWN)
        used += snprintf(text + used, TEXT_BYTES - (size_t)used,
                         " (%g %%); the nearest fell by %.6g %%", limit_of(self, reason),
                         self->nearest[reason]);
    if (isnan(to))
        return;
    const uint64_t count = let_through(&self->only[limit], limit, to);

    say_change(self, limit, to, change, sizeof(change));
    snprintf(text + used, TEXT_BYTES - (size_t)used, "; %s lets %llu %s through", change,
             (unsigned long long)count, count == 1 ? "trial" : "trials");
}

static json_t *
rejection_json(const struct tally *self, size_t reason)
{
    const enum limit limit = reasons[reason].limit;
    const bool has_limit = limit != LIMIT_NONE;
    const double to = has_limit ? relaxed_limit(self, reason) : (double)NAN;
    char text[TEXT_BYTES];

    say_rejection(self, reason, to, text);
    return json_pack(
        "{s:s, s:I, s:o, s:o, s:o, s:s}", "reason", reasons[reason].name, "count",
        (json_int_t)self->counts[reason], "limit",
        has_limit ? report_number(limit_of(self, reason)) : json_null(), "nearest",
        report_number(self->nearest[reason]), "relax",
        isnan(to) ? json_null()
                  : relax_json(self, limit, to, let_through(&self->only[limit], limit, to)),
        "text", text);
}

/* The most frequent first; of as many, the one that the engine asks for first. */
static json_t *
list_rejections(struct tally *self)
{
    json_t *list = json_array();

    for (;;) {
        size_t most = REASON_COUNT;

        for (size_t i = 0; i < REASON_COUNT; i++)
            if (self->counts[i] > 0 &&
                (most == REASON_COUNT || self->counts[i] > self->counts[most]))
                most = i;
        if (most == REASON_COUNT)
            return list;
        json_array_append_new(list, rejection_json(self, most));
        self->counts[most] = 0;
    }
}

json_t *
rejections_json(const trials_t *trials, const struct tune_options *options)
{
    struct tally tally = {.options = options};
    const size_t skipped = (size_t)trials_count_of(trials, TRIAL_SKIPPED);
    json_t *list = NULL;

    for (size_t i = 0; i < LIMIT_COUNT; i++)
        tally.only[i].values = calloc(skipped + 1, sizeof(double));
    if (tally.only[LIMIT_TRADES].values && tally.only[LIMIT_DRAWDOWN].values) {
        count_trials(&tally, trials);
        for (size_t i = 0; i < LIMIT_COUNT; i++)
            qsort(tally.only[i].values, tally.only[i].count, sizeof(double), by_value);
        list = list_rejections(&tally);
    }
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        free(tally.only[i].values);
    return list;
}
