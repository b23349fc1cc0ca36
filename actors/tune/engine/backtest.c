/* One run goes from event to event: the next bar whose signal matters in the present state is
 * found in bit sets, and the bars up to it are accounted as one span. */
#include "actors/tune/engine/backtest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/account.h"
#include "actors/tune/engine/columns.h"

#define BPS_MAX       1000.0
#define CASH_MAX      1e15
#define ALL_BUT_A_BIT (1.0 - 0x1p-52)
#define TRADES_FIRST  64
#define WATCHED_MAX   3

enum state { FLAT, LONG, SHORT, STATES };

/* The signals that matter in a state. */
struct watch {
    const uint64_t *bits[WATCHED_MAX];
    size_t count;
};

struct backtest {
    bars_t bars;  /* a view */
    bars_t whole; /* the same with its lead: what columns and signals are of */
    const strategy_t *strategy;
    struct backtest_options options;
    double cost; /* share of the value traded */
    struct calendar calendar;
    columns_t *columns;
    struct backtest_notes notes; /* of the last run */
};

struct run {
    const struct backtest *backtest;
    struct account account;
    struct watch watch[STATES];
    struct holding holding;
    enum state state;
    double entry_fee;
    size_t entry_bar;
    size_t marked; /* bars accounted so far */
    backtest_trace_t *trace;
    struct backtest_notes notes;
    bool is_out_of_memory;
};

static bool
is_within(double value, double low, double high)
{
    return value >= low && value <= high;
}

tm_err_t
backtest_new(const bars_t *bars, const strategy_t *strategy,
             const struct backtest_options *options, backtest_t **ret)
{
    if (!is_within(options->cash, 1e-6, CASH_MAX) ||
        !is_within(options->commission_bps, 0, BPS_MAX) ||
        !is_within(options->slippage_bps, 0, BPS_MAX))
        return TM_BAD_REQUEST;
    if (bars->count < 2)
        return TM_INSUFFICIENT_DATA;
    backtest_t *self = calloc(1, sizeof *self);
    if (!self)
        return TM_NO_MEMORY;
    self->bars = *bars;
    self->whole = bars_with_lead(bars);
    self->strategy = strategy;
    self->options = *options;
    self->cost = (options->commission_bps + options->slippage_bps) / 10000.0;
    const size_t budget = options->cache_bytes ? options->cache_bytes : BACKTEST_CACHE_BYTES;
    tm_err_t err = calendar_init(&self->calendar, &self->bars);
    if (!err) {
        self->columns = columns_new(&self->whole, strategy, budget);
        err = self->columns ? TM_OK : TM_NO_MEMORY;
    }
    if (err)
        backtest_destroy(&self);
    else
        *ret = self;
    return err;
}

void
backtest_destroy(backtest_t **self_p)
{
    backtest_t *self = *self_p;

    if (!self)
        return;
    columns_destroy(&self->columns);
    calendar_fini(&self->calendar);
    free(self);
    *self_p = NULL;
}

static void
watch_add(struct watch *watch, const uint64_t *bits)
{
    if (bits)
        watch->bits[watch->count++] = bits;
}

static void
watch_all(struct run *run)
{
    const struct backtest *backtest = run->backtest;
    const uint64_t *signal[RULE_COUNT] = {NULL};

    for (size_t i = 0; i < RULE_COUNT; i++)
        signal[i] = columns_signal(backtest->columns, (enum rule)i);
    watch_add(&run->watch[LONG], signal[RULE_exit_long]);
    watch_add(&run->watch[SHORT], signal[RULE_exit_short]);
    for (size_t state = FLAT; state < STATES; state++) {
        if (state != FLAT && !backtest->strategy->is_reversing)
            continue;
        watch_add(&run->watch[state], signal[RULE_entry_long]);
        watch_add(&run->watch[state], signal[RULE_entry_short]);
    }
}

static inline uint64_t
watched_word(const struct watch *watch, size_t word)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < watch->count; i++)
        bits |= watch->bits[i][word];
    return bits;
}

/* First bar of the whole at or after `from` with a signal that matters; count if none. */
static size_t
next_event(const struct watch *watch, size_t from, size_t count)
{
    if (from >= count || watch->count == 0)
        return count;
    size_t word = from / 64;
    uint64_t bits = watched_word(watch, word) & (~UINT64_C(0) << from % 64);

    while (!bits) {
        if (++word * 64 >= count)
            return count;
        bits = watched_word(watch, word);
    }
    return word * 64 + (size_t)__builtin_ctzll(bits);
}

static inline bool
has_signal(const struct run *run, enum rule rule, size_t bar)
{
    const uint64_t *bits = columns_signal(run->backtest->columns, rule);
    const size_t at = bar + run->backtest->bars.lead;

    return bits && (bits[at / 64] >> at % 64 & 1);
}

static void
record_trade(struct run *run, const struct trade *trade)
{
    backtest_trace_t *trace = run->trace;

    if (trace->trade_count == trace->trade_capacity) {
        const size_t capacity =
            trace->trade_capacity ? 2 * trace->trade_capacity : TRADES_FIRST;
        struct trade *grown = realloc(trace->trades, capacity * sizeof *grown);

        if (!grown) {
            run->is_out_of_memory = true;
            return;
        }
        trace->trades = grown;
        trace->trade_capacity = capacity;
    }
    trace->trades[trace->trade_count++] = *trade;
}

static void
close_position(struct run *run, size_t bar, double price, enum trade_reason reason)
{
    const bars_t *bars = &run->backtest->bars;
    const struct holding holding = run->holding;
    const double units = fabs(holding.size);
    const double fee = units * price * run->backtest->cost;
    const double gross = holding.size * (price - holding.entry_price);
    const double profit = gross - (run->entry_fee + fee);
    const double share = copysign(1.0, holding.size) * (price / holding.entry_price - 1.0) -
                         (run->entry_fee + fee) / (units * holding.entry_price);

    account_trade(&run->account, run->entry_bar, bar, profit, share);
    if (run->trace)
        record_trade(run, &(struct trade){.entry_bar = run->entry_bar,
                                          .exit_bar = bar,
                                          .entry_time_ms = bars->time_ms[run->entry_bar],
                                          .exit_time_ms = bars->time_ms[bar],
                                          .size = holding.size,
                                          .entry_price = holding.entry_price,
                                          .exit_price = price,
                                          .pnl = profit,
                                          .return_pct = share * 100.0,
                                          .reason = reason});
    run->holding = (struct holding){.cash = holding.cash + (gross - fee)};
    run->state = FLAT;
}

/* Units that all the cash buys, fee included: the exact floor of the quotient. */
static double
affordable(const struct run *run, double price)
{
    const double cash = run->holding.cash * ALL_BUT_A_BIT;
    const double unit = price + price * run->backtest->cost;
    const double exact = cash / unit;

    if (run->backtest->options.fractional)
        return exact;
    const double whole = floor(exact);
    return fma(-whole, unit, cash) < 0 ? whole - 1.0 : whole;
}

static void
note_unaffordable(struct run *run, double price)
{
    if (run->notes.unaffordable++)
        return;
    run->notes.unit = price + price * run->backtest->cost;
    run->notes.cash = run->holding.cash;
}

static void
open_position(struct run *run, enum state side, size_t bar, double price)
{
    const double units = affordable(run, price);

    if (!(units > 0)) {
        note_unaffordable(run, price);
        return;
    }
    run->entry_fee = units * price * run->backtest->cost;
    run->entry_bar = bar;
    run->holding.cash -= run->entry_fee;
    run->holding.size = side == LONG ? units : -units;
    run->holding.entry_price = price;
    run->state = side;
}

/* Accounts bars up to `end`. False when the run is over, because all is lost. */
static bool
mark(struct run *run, size_t end)
{
    const size_t first = run->marked;
    size_t bust = end;

    if (run->state == SHORT)
        bust = account_find_bust(&run->account, first, end, &run->holding);
    else if (run->holding.cash <= 0 && run->state == FLAT)
        bust = first;
    account_span(&run->account, first, bust, &run->holding);
    run->marked = end;
    if (bust == end)
        return true;
    if (run->state != FLAT)
        close_position(run, bust, run->backtest->bars.close[bust], TRADE_BUST);
    account_bust(&run->account, bust);
    run->holding = (struct holding){0};
    return false;
}

/* Orders given at the close of `bar` are filled. */
static void
fill_orders(struct run *run, size_t bar)
{
    const struct backtest *backtest = run->backtest;
    const bool on_close = backtest->options.fill_on_close;
    const double price = on_close ? backtest->bars.close[bar] : backtest->bars.open[bar + 1];
    const size_t fill_bar = on_close ? bar : bar + 1;
    const bool may_enter = run->state == FLAT || backtest->strategy->is_reversing;
    const bool to_long = may_enter && has_signal(run, RULE_entry_long, bar);
    const bool to_short = may_enter && !to_long && has_signal(run, RULE_entry_short, bar);

    if (run->state != FLAT)
        close_position(run, fill_bar, price,
                       to_long || to_short ? TRADE_REVERSED : TRADE_SIGNAL);
    if (to_long || to_short)
        open_position(run, to_long ? LONG : SHORT, fill_bar, price);
}

static void
finish(struct run *run)
{
    const bars_t *bars = &run->backtest->bars;
    const size_t last = bars->count - 1;

    if (!mark(run, last))
        return;
    if (run->state != FLAT && run->backtest->options.close_at_end) {
        const bool is_bust =
            account_find_bust(&run->account, last, bars->count, &run->holding) == last;

        close_position(run, last, bars->close[last], is_bust ? TRADE_BUST : TRADE_END_OF_DATA);
    }
    mark(run, bars->count);
}

static void
simulate(struct run *run, size_t start)
{
    const size_t count = run->backtest->bars.count, lead = run->backtest->bars.lead;
    size_t bar = start;

    for (;;) {
        bar = next_event(&run->watch[run->state], bar + lead, count + lead) - lead;
        if (bar + 1 >= count)
            break;
        if (!mark(run, bar + 1))
            return;
        fill_orders(run, bar);
        bar++;
    }
    finish(run);
}

static tm_err_t
run_with(backtest_t *self, const double *params, struct metrics *ret,
         struct metrics_blocks *ret_blocks, backtest_trace_t *trace)
{
    struct run run = {.backtest = self, .trace = trace, .holding.cash = self->options.cash};
    tm_err_t err = strategy_check_params(self->strategy, params, NULL, 0);

    if (!err)
        err = columns_bind(self->columns, params);
    if (err)
        return err;
    const size_t whole = columns_warmup(self->columns), lead = self->bars.lead;
    const size_t warmup = whole > lead ? whole - lead : 0;
    const size_t shown = warmup < self->bars.count ? warmup : self->bars.count - 1;
    account_init(&run.account, &self->bars, &self->calendar, self->options.cash);
    run.account.curve = trace ? trace->equity : NULL;
    watch_all(&run);
    simulate(&run, whole + 1 > lead ? whole + 1 - lead : 0);
    if (run.is_out_of_memory)
        return TM_NO_MEMORY;
    self->notes = run.notes;
    self->notes.is_out_of_bars =
        columns_is_short(self->columns) || warmup + 1 >= self->bars.count;
    account_metrics(&run.account, shown, ret);
    if (ret_blocks)
        *ret_blocks = run.account.blocks;
    if (trace)
        trace->warmup = warmup;
    return TM_OK;
}

tm_err_t
backtest_run(backtest_t *self, const double *params, struct metrics *ret,
             struct metrics_blocks *ret_blocks)
{
    return run_with(self, params, ret, ret_blocks, NULL);
}

tm_err_t
backtest_trace(backtest_t *self, const double *params, struct metrics *ret,
               backtest_trace_t **ret_trace)
{
    backtest_trace_t *trace = calloc(1, sizeof *trace);

    if (!trace)
        return TM_NO_MEMORY;
    trace->bar_count = self->bars.count;
    trace->equity = calloc(trace->bar_count, sizeof *trace->equity);
    const tm_err_t err =
        trace->equity ? run_with(self, params, ret, NULL, trace) : TM_NO_MEMORY;
    if (err)
        backtest_trace_destroy(&trace);
    else
        *ret_trace = trace;
    return err;
}

void
backtest_trace_destroy(backtest_trace_t **self_p)
{
    backtest_trace_t *self = *self_p;

    if (!self)
        return;
    free(self->equity);
    free(self->trades);
    free(self);
    *self_p = NULL;
}

const struct backtest_notes *
backtest_notes(const backtest_t *self)
{
    return &self->notes;
}

size_t
backtest_warnings(const backtest_t *self,
                  char ret[BACKTEST_WARNINGS_MAX][BACKTEST_WARNING_BYTES])
{
    const struct backtest_notes *notes = &self->notes;
    size_t count = 0;

    if (notes->is_out_of_bars)
        snprintf(ret[count++], BACKTEST_WARNING_BYTES,
                 "an indicator has no value before the last of the %zu bars: nothing could be "
                 "traded; take a longer series, or a shorter period",
                 self->bars.count);
    if (notes->unaffordable)
        snprintf(ret[count++], BACKTEST_WARNING_BYTES,
                 "%" PRIu64 " entr%s left out: one unit cost %.10g, and the cash was %.10g; "
                 "let fractions be bought (sizing fractional), or begin with more cash",
                 notes->unaffordable, notes->unaffordable == 1 ? "y was" : "ies were",
                 notes->unit, notes->cash);
    return count;
}

const char *
trade_side(const struct trade *trade)
{
    return trade->size < 0 ? "short" : "long";
}

const char *
trade_reason_name(enum trade_reason reason)
{
    static const char *const names[] = {
        [TRADE_SIGNAL] = "signal",
        [TRADE_REVERSED] = "reversed",
        [TRADE_END_OF_DATA] = "end_of_data",
        [TRADE_BUST] = "bust",
    };

    return names[reason];
}

size_t
trade_duration_bars(const struct trade *trade)
{
    return trade->exit_bar - trade->entry_bar;
}
