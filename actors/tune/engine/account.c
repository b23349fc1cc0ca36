/* Sums over days run in four lanes, which fall together at the end of each span: the order of
 * operations is fixed by the spans alone, so vector and scalar builds give the same bits. */
#include "actors/tune/engine/account.h"

#include <math.h>
#include <string.h>

#include "actors/tune/engine/clones.h"

#define LANES       4
#define CHUNK       8
#define GROWTH_HIGH 1e100
#define GROWTH_LOW  1e-100

struct lanes {
    double sum[LANES], square[LANES], downside[LANES];
};

void
account_init(struct account *self, const bars_t *bars, const struct calendar *calendar,
             double cash)
{
    memset(self, 0, sizeof *self);
    self->bars = bars;
    self->calendar = calendar;
    self->first_equity = self->last_equity = cash;
    self->peak = self->trough = cash;
    self->tally.growth = 1.0;
    self->tally.best = -(double)INFINITY;
    self->tally.worst = (double)INFINITY;
}

static inline double
equity_at(const struct holding *holding, double close)
{
    return holding->cash + holding->size * (close - holding->entry_price);
}

static inline void
lanes_add(struct lanes *lanes, size_t lane, double change)
{
    const double loss = change < 0 ? change : 0;

    lanes->sum[lane] += change;
    lanes->square[lane] += change * change;
    lanes->downside[lane] += loss * loss;
}

/* Returns from each of days first .. end-2 to the next, all within one holding. */
ENGINE_CLONES
static void
sum_days(const double *close, size_t count, const struct holding *shared, struct lanes *ret)
{
    const struct holding holding = *shared;
    struct lanes lanes = *ret;
    size_t i = 0;

    for (; i + LANES <= count; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            const double before = equity_at(&holding, close[i + k]);

            lanes_add(&lanes, k, equity_at(&holding, close[i + k + 1]) / before - 1.0);
        }
    }
    for (size_t k = 0; i + k < count; k++) {
        const double before = equity_at(&holding, close[i + k]);

        lanes_add(&lanes, k, equity_at(&holding, close[i + k + 1]) / before - 1.0);
    }
    *ret = lanes;
}

static inline double
lanes_total(const double lane[LANES])
{
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* Days first .. end-1, all of one block. */
static void
block_days(struct account *self, size_t first, size_t end, const struct holding *holding)
{
    const double *close = self->calendar->day_close;
    const double equity = equity_at(holding, close[first]);
    struct lanes lanes = {0};

    lanes_add(&lanes, 0, equity / self->last_day - 1.0);
    if (holding->size != 0.0)
        sum_days(close + first, end - first - 1, holding, &lanes);
    self->blocks.days[self->block] += (double)(end - first);
    self->blocks.sum[self->block] += lanes_total(lanes.sum);
    self->blocks.square[self->block] += lanes_total(lanes.square);
    self->downside += lanes_total(lanes.downside);
    self->last_day = equity_at(holding, close[end - 1]);
}

static void
span_days(struct account *self, size_t first, size_t end, const struct holding *holding)
{
    if (first == end)
        return;
    if (first == 0) {
        self->first_day = self->last_day = equity_at(holding, self->calendar->day_close[0]);
        first = 1;
    }
    while (first < end) {
        while (self->calendar->block_end[self->block] <= first)
            self->block++;
        const size_t block_end = self->calendar->block_end[self->block];
        const size_t until = end < block_end ? end : block_end;

        block_days(self, first, until, holding);
        first = until;
    }
}

static inline void
see_equity(struct account *self, double equity)
{
    if (equity > self->peak) {
        const double fall = 1.0 - self->trough / self->peak;

        self->drawdown = fall > self->drawdown ? fall : self->drawdown;
        self->peak = self->trough = equity;
    } else if (equity < self->trough) {
        self->trough = equity;
    }
}

/* A chunk whose highest equity is no new peak only needs its lowest. Equity is monotone in the
 * close, also after rounding, so the extremes of the closes are enough. */
ENGINE_CLONES
static void
span_drawdown(struct account *self, const double *close, size_t count,
              const struct holding *holding)
{
    size_t i = 0;

    for (; i + CHUNK <= count; i += CHUNK) {
        double low = close[i], high = close[i];

        for (size_t k = 1; k < CHUNK; k++) {
            low = close[i + k] < low ? close[i + k] : low;
            high = close[i + k] > high ? close[i + k] : high;
        }
        const double a = equity_at(holding, low), b = equity_at(holding, high);
        if ((a > b ? a : b) <= self->peak) {
            see_equity(self, a < b ? a : b);
            continue;
        }
        for (size_t k = 0; k < CHUNK; k++)
            see_equity(self, equity_at(holding, close[i + k]));
    }
    for (; i < count; i++)
        see_equity(self, equity_at(holding, close[i]));
}

void
account_span(struct account *self, size_t first, size_t end, const struct holding *holding)
{
    const uint32_t *days = self->calendar->days_before;
    const double *close = self->bars->close;

    if (first >= end)
        return;
    if (holding->size != 0.0)
        span_drawdown(self, close + first, end - first, holding);
    else
        see_equity(self, holding->cash);
    span_days(self, days[first], days[end], holding);
    self->last_equity = equity_at(holding, close[end - 1]);
    for (size_t i = first; self->curve && i < end; i++)
        self->curve[i] = equity_at(holding, close[i]);
}

/* Only the day on which it happens has a return: nothing comes from nothing. */
void
account_bust(struct account *self, size_t first)
{
    static const struct holding nothing = {0};
    const size_t count = self->bars->count, day = self->calendar->days_before[first];

    see_equity(self, 0.0);
    span_days(self, day, day + 1, &nothing);
    for (size_t i = first; self->curve && i < count; i++)
        self->curve[i] = 0.0;
    self->last_equity = 0.0;
    self->is_bust = true;
}

size_t
account_find_bust(const struct account *self, size_t first, size_t end,
                  const struct holding *holding)
{
    const double *close = self->bars->close;

    while (first < end && equity_at(holding, close[first]) > 0)
        first++;
    return first;
}

static void
tally_growth(struct tally *tally, double factor)
{
    if (factor <= 0) {
        tally->is_ruined = true;
        return;
    }
    tally->growth *= factor;
    if (tally->growth > GROWTH_HIGH || tally->growth < GROWTH_LOW) {
        tally->log_growth += log(tally->growth);
        tally->growth = 1.0;
    }
}

void
account_trade(struct account *self, size_t entry_bar, size_t exit_bar, double profit,
              double trade_return)
{
    struct tally *tally = &self->tally;
    const int64_t lasted_ms = self->bars->time_ms[exit_bar] - self->bars->time_ms[entry_bar];
    const size_t from = entry_bar > tally->exposed_until ? entry_bar : tally->exposed_until;

    tally->count += 1.0;
    tally->wins += profit > 0 ? 1.0 : 0.0;
    tally->return_sum += trade_return;
    tally->gains += trade_return > 0 ? trade_return : 0.0;
    tally->losses -= trade_return < 0 ? trade_return : 0.0;
    tally_growth(tally, 1.0 + trade_return);
    const double delta = profit - tally->profit_mean;
    tally->profit_mean += delta / tally->count;
    tally->profit_squares += delta * (profit - tally->profit_mean);
    tally->best = trade_return > tally->best ? trade_return : tally->best;
    tally->worst = trade_return < tally->worst ? trade_return : tally->worst;
    tally->longest_ms = lasted_ms > tally->longest_ms ? lasted_ms : tally->longest_ms;
    tally->exposed += exit_bar + 1 > from ? exit_bar + 1 - from : 0;
    tally->exposed_until = exit_bar + 1 > from ? exit_bar + 1 : from;
}

/* NaN where the divisor is 0. */
static double
ratio(double a, double b)
{
    return b != 0 ? a / b : (double)NAN;
}

static void
trade_metrics(const struct account *self, struct metrics *ret)
{
    const struct tally *tally = &self->tally;
    const double n = tally->count;
    const int64_t unit = self->calendar->duration_unit_ms;

    ret->trades = n;
    ret->exposure_time_pct = (double)tally->exposed / (double)self->bars->count * 100.0;
    ret->win_rate = ret->avg_trade_pct = ret->max_trade_duration = 0.0;
    if (n < 1)
        return;
    const double log_growth = tally->log_growth + log(tally->growth);
    const double deviation = n > 1 ? sqrt(tally->profit_squares / (n - 1)) : 0.0;
    const int64_t hours = (tally->longest_ms + unit - 1) / unit * unit / 3600000;
    ret->win_rate = tally->wins / n;
    ret->profit_factor = ratio(tally->gains, tally->losses);
    ret->avg_trade_pct = tally->is_ruined ? 0.0 : (exp(log_growth / n) - 1.0) * 100.0;
    ret->expectancy_pct = tally->return_sum / n * 100.0;
    ret->best_trade_pct = tally->best * 100.0;
    ret->worst_trade_pct = tally->worst * 100.0;
    ret->sqn = ratio(sqrt(n) * tally->profit_mean, deviation);
    ret->max_trade_duration = (double)hours;
}

static void
daily_metrics(const struct account *self, double drawdown, struct metrics *ret)
{
    const double year = self->calendar->annual_days;
    double n = 0, sum = 0, square = 0;

    for (size_t b = 0; b < METRICS_BLOCKS; b++) {
        n += self->blocks.days[b];
        sum += self->blocks.sum[b];
        square += self->blocks.square[b];
    }
    if (n < 1)
        return;
    const double growth = log(self->last_day / self->first_day) / n;
    const double mean = self->is_bust ? 0.0 : exp(growth) - 1.0;
    const double annual = pow(1.0 + mean, year) - 1.0;
    ret->return_ann_pct = annual * 100.0;
    ret->calmar = ratio(annual, drawdown);
    ret->sortino = ratio(annual, sqrt(self->downside / n) * sqrt(year));
    if (n < 2)
        return;
    const double variance = fmax((square - sum * sum / n) / (n - 1), 0.0);
    const double base = (1.0 + mean) * (1.0 + mean);
    const double spread = pow(variance + base, year) - pow(1.0 + mean, 2.0 * year);
    const double volatility = sqrt(fmax(spread, 0.0));
    ret->volatility_ann_pct = volatility * 100.0;
    ret->sharpe = ratio(annual, volatility);
}

void
account_metrics(const struct account *self, size_t warmup, struct metrics *ret)
{
    const bars_t *bars = self->bars;
    const double fall = 1.0 - self->trough / self->peak;
    const double drawdown = fall > self->drawdown ? fall : self->drawdown;
    const double held_from = bars->close[warmup], held_to = bars->close[bars->count - 1];

    metrics_clear(ret);
    trade_metrics(self, ret);
    daily_metrics(self, drawdown, ret);
    ret->return_pct = (self->last_equity - self->first_equity) / self->first_equity * 100.0;
    ret->max_drawdown_pct = drawdown > 0 ? -drawdown * 100.0 : 0.0;
    ret->buy_hold_return_pct = (held_to - held_from) / held_from * 100.0;
    ret->equity_final = self->last_equity;
    ret->equity_peak = self->peak;
}
