/* Trials are computed in chunks of about CHUNK_US, so that a job that was dropped ends soon and
 * progress is told often, whatever one trial costs. */
#include "actors/tune/search/tuner_inner.h"

#include <math.h>
#include <string.h>

#include "actors/kit/util/clock.h"
#include "actors/tune/search/rejections.h"
#include "actors/tune/search/verdict.h"
#include "actors/tune/store/report.h"
#include "actors/tune/store/tune_setup.h"

enum {
    CHUNK_US = 50000,
    CHUNK_TRIALS = 4096,   /* at most: 4 MB of them */
    TELL_US = 100000,      /* between two messages, and between two events */
    WRITE_US = 1000000,    /* between two writes of trials_completed */
    PATIENCE_US = 5000000, /* after a write that failed */
};

struct search {
    struct tuner_run *run;
    struct trial *chunk;
    size_t capacity, next_count;
    uint64_t done, total;
    int64_t started_us, tell_us, write_us, event_us; /* when the next is due */
    bool has_event;                                  /* one was left */
};

/* A tune that is over before the first is due has none: `completed` says it all. */
static void
leave_event(struct search *self, const char *json, int64_t now_us)
{
    const struct tuner_run *run = self->run;
    bool is_last = self->done == self->total;

    if (is_last ? !self->has_event : now_us < self->event_us)
        return;
    self->has_event = true;
    self->event_us =
        now_us + (tune_store_tell(run->tuner->store, &run->job->id, run->job->attempt, json)
                      ? PATIENCE_US
                      : TELL_US);
}

static void
tell(struct search *self, int64_t now_us)
{
    const struct tuner_run *run = self->run;
    char *json = report_progress(run->strategy, run->plan, run->trials,
                                 (double)(now_us - self->started_us) / 1e6);

    if (json) {
        run->port->progress(run->port->arg, self->done, self->total, json);
        leave_event(self, json, now_us);
    }
    free(json);
    self->tell_us = now_us + TELL_US;
}

/* Only for people: a write that fails is not made up for. */
static void
write_progress(struct search *self, int64_t now_us)
{
    const struct tuner_run *run = self->run;
    tm_err_t err = tune_store_progress(run->tuner->store, &run->job->id, run->job->attempt,
                                       self->done, self->total);

    self->write_us = now_us + (err ? PATIENCE_US : WRITE_US);
}

static void
report(struct search *self)
{
    int64_t now_us = clock_us();

    if (now_us >= self->tell_us || self->done == self->total)
        tell(self, now_us);
    if (now_us >= self->write_us)
        write_progress(self, now_us);
}

static void
count_notes(struct tuner_run *run, const struct trial *trial)
{
    run->out_of_bars += trial->is_out_of_bars;
    run->test_out_of_bars += trial->test_is_out_of_bars;
    run->unaffordable += trial->unaffordable > 0;
}

static tm_err_t
run_chunk(struct search *self)
{
    struct tuner_run *run = self->run;
    uint64_t left = self->total - self->done;
    size_t count = left < self->next_count ? (size_t)left : self->next_count;
    int64_t started_us = clock_us(), took_us;
    tm_err_t err = tune_run_range(run->plan, self->done, count, self->chunk, NULL);

    for (size_t i = 0; !err && i < count; i++) {
        count_notes(run, &self->chunk[i]);
        err = trials_add(run->trials, &self->chunk[i]);
    }
    if (err)
        return err;
    self->done += count;
    took_us = clock_us() - started_us;
    if (took_us < CHUNK_US / 2 && self->next_count * 2 <= self->capacity)
        self->next_count *= 2;
    else if (took_us > CHUNK_US && self->next_count > 1)
        self->next_count /= 2;
    return TM_OK;
}

void
tuner_say_stopped(struct tuner_run *self)
{
    char *json =
        report_progress(self->strategy, self->plan, self->trials, self->search_ms / 1000);

    self->has_said_stopped = true;
    self->port->stopped(self->port->arg, trials_count(self->trials),
                        tune_plan_trials(self->plan), json ? json : "");
    free(json);
}

tm_err_t
tuner_search(struct tuner_run *self)
{
    struct search search = {
        .run = self, .next_count = 1, .total = tune_plan_trials(self->plan)};
    tm_err_t err = TM_OK;

    search.capacity = search.total < CHUNK_TRIALS ? (size_t)search.total : CHUNK_TRIALS;
    search.chunk = calloc(search.capacity + 1, sizeof(*search.chunk));
    if (!search.chunk)
        return TM_NO_MEMORY;
    search.started_us = clock_us();
    search.event_us = search.started_us + TELL_US;
    report(&search);
    while (!err && search.done < search.total && !self->port->is_canceled(self->port->arg)) {
        if (self->port->is_dropped(self->port->arg))
            err = TM_LEASE_LOST;
        else
            err = run_chunk(&search);
        if (!err)
            report(&search);
    }
    self->search_ms = (double)(clock_us() - search.started_us) / 1000;
    free(search.chunk);
    if (err || !self->port->is_canceled(self->port->arg))
        return err;
    if (search.done == 0)
        return TM_LEASE_LOST; /* there is nothing to keep */
    self->is_canceled = true;
    tuner_say_stopped(self);
    return TM_OK;
}

/* Of the best trial's daily returns, in the window that the other trials' Sharpe ratios are of:
 * the in-sample one, or the whole. */
static tm_err_t
best_moments(const struct tuner_run *self, uint64_t index, struct daily_moments *ret)
{
    bars_t window = bars_slice(&self->bars, 0, tune_plan_is_bars(self->plan));
    double params[TUNE_PARAMS_MAX];
    backtest_t *backtest = NULL;
    backtest_trace_t *trace = NULL;
    struct metrics metrics;
    tm_err_t err = backtest_new(&window, self->strategy, &self->options.backtest, &backtest);

    tune_plan_params(self->plan, index, params);
    if (!err)
        err = backtest_trace(backtest, params, &metrics, &trace);
    if (!err)
        *ret = overfit_moments(&window, trace->equity);
    backtest_trace_destroy(&trace);
    backtest_destroy(&backtest);
    return err;
}

static tm_err_t
judge_overfit(struct tuner_run *self)
{
    const struct leader *leaders;
    struct daily_moments moments;
    struct verdict_facts facts = {.is_split = tune_plan_is_split(self->plan),
                                  .was_chosen_on_oos = self->options.select_on_oos,
                                  .metric = self->options.metric,
                                  .distinct_trials = trials_count(self->trials),
                                  .duplicates = tune_plan_duplicates(self->plan),
                                  .pbo = trials_pbo(self->trials),
                                  .deflated_sharpe = (double)NAN};

    if (trials_leaders(self->trials, &leaders) > 0) {
        tm_err_t err = best_moments(self, leaders[0].index, &moments);
        if (err)
            return err;
        facts.winner = &leaders[0];
        facts.deflated_sharpe = trials_deflated_sharpe(self->trials, &moments);
    }
    json_t *overfit = verdict_json(&facts);
    self->overfit = report_text(&overfit);
    return TM_OK;
}

static void
warn_of_no_winner(struct tuner_run *self)
{
    const struct leader *leaders;

    if (trials_leaders(self->trials, &leaders) == 0)
        json_array_append_new(
            self->warnings,
            json_sprintf("none of the %llu trials is valid: the rejections say why, and what "
                         "would let some through",
                         (unsigned long long)trials_count(self->trials)));
}

static void
warn_of_duplicates(struct tuner_run *self)
{
    const uint64_t duplicates = tune_plan_duplicates(self->plan);

    if (duplicates > 0)
        json_array_append_new(
            self->warnings,
            json_sprintf("%llu draws came to a point that had been tried: each point is one "
                         "trial, and others were drawn instead while there were any",
                         (unsigned long long)duplicates));
}

static void
warn_of_trials(struct tuner_run *self, uint64_t count, const char *what)
{
    if (count > 0)
        json_array_append_new(
            self->warnings,
            json_sprintf("%llu of the %llu trials %s", (unsigned long long)count,
                         (unsigned long long)trials_count(self->trials), what));
}

static void
warn_of_notes(struct tuner_run *self)
{
    warn_of_trials(self, self->out_of_bars,
                   "have an indicator without a value before the last bar, so they trade "
                   "nothing: take a longer series, or shorter periods");
    warn_of_trials(self, self->test_out_of_bars,
                   "have an indicator without a value in the other part of the split, so they "
                   "trade nothing there: take a longer series, or shorter periods");
    warn_of_trials(self, self->unaffordable,
                   "left out entries because one unit cost more than the cash: let fractions "
                   "be bought (sizing fractional), or begin with more cash");
}

/* A tune in which no trial could trade has found nothing out. */
static tm_err_t
check_bars(const struct tuner_run *self)
{
    const uint64_t count = trials_count(self->trials);

    if (self->is_canceled || self->out_of_bars < count)
        return TM_OK;
    return tune_setup_refuse(
        self->detail, TM_INSUFFICIENT_DATA,
        "all %llu trials have an indicator without a value before the last of the %zu bars "
        "that choose, so nothing could be traded: take a longer series, or shorter periods",
        (unsigned long long)count, tune_plan_is_bars(self->plan));
}

tm_err_t
tuner_judge(struct tuner_run *self)
{
    tm_err_t err = check_bars(self);

    if (err)
        return err;
    json_t *best = report_best_params(self->strategy, self->plan, self->trials);
    json_t *dataset =
        report_dataset(self->spec.dataset_sha256, &self->bars, &self->dataset->report);
    json_t *rejections = rejections_json(self->trials, &self->options);

    err = judge_overfit(self);

    warn_of_no_winner(self);
    warn_of_duplicates(self);
    warn_of_notes(self);
    if (best)
        self->best_params = report_text(&best);
    self->gates = report_gates(&self->options, tune_plan_is_split(self->plan));
    self->dataset_text = report_text(&dataset);
    if (rejections)
        self->rejections = report_text(&rejections);
    self->warnings_text = report_text(&self->warnings);
    self->spec_text = report_text(&self->strategy_spec);
    self->body = report_result(&self->job->id, self->is_canceled ? "canceled" : "completed",
                               self->strategy, self->plan, self->trials);
    if (!err && (!self->gates || !self->overfit || !self->dataset_text || !self->rejections ||
                 !self->warnings_text || !self->spec_text || !self->body))
        err = TM_NO_MEMORY;
    return err;
}
