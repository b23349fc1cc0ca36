#include "actors/tune/search/tuner_inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/contracts/tune_grid.h"
#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/tune/store/report.h"

enum {
    FIRST_PAUSE_MS = 50,
    SLICE_MS = 20, /* of a pause: how soon a dropped job is noticed */
};

tuner_t *
tuner_new(const settings_t *settings, meters_t *meters)
{
    tuner_t *self = zmalloc(sizeof(*self));

    self->settings = settings;
    self->meters = meters;
    self->store = tune_store_new(settings, meters);
    self->datasets = dataset_cache_new((size_t)settings->tune_dataset_cache_mb << 20);
    return self;
}

void
tuner_destroy(tuner_t **self_p)
{
    tuner_t *self = *self_p;

    if (!self)
        return;
    tune_store_destroy(&self->store);
    lru_destroy(&self->datasets);
    free(self);
    *self_p = NULL;
}

/* ---- what the steps share --------------------------------------------------------------- */

static bool
is_unwanted(const struct tuner_run *self)
{
    const struct tuner_port *port = self->port;
    const bool has_found = self->trials && trials_count(self->trials) > 0;

    return port->is_dropped(port->arg) || (!has_found && port->is_canceled(port->arg));
}

static bool
pause_unless_dropped(const struct tuner_run *self, int64_t pause_ms)
{
    int64_t end_ms = clock_ms() + pause_ms;

    do {
        if (is_unwanted(self))
            return false;
        zclock_sleep(SLICE_MS);
    } while (clock_ms() < end_ms);
    return true;
}

tm_err_t
retry_until_dropped(struct tuner_run *self, tuner_try_fn *attempt)
{
    int64_t pause_ms = FIRST_PAUSE_MS,
            longest_ms = self->tuner->settings->database_max_backoff_ms;
    bool has_waited = false;

    for (;;) {
        char id[TM_UUID_TEXT];
        tm_err_t err = attempt(self);
        if (err != TM_STORE_DOWN && err != TM_BUSY)
            return err;
        if (!has_waited)
            log_warn("tune.waits", "job=%s code=%s", tm_uuid_text(&self->job->id, id),
                     tm_err_name(err));
        has_waited = true;
        if (!pause_unless_dropped(self, pause_ms))
            return TM_LEASE_LOST;
        pause_ms = pause_ms * 2 < longest_ms ? pause_ms * 2 : longest_ms;
    }
}

/* ---- the steps -------------------------------------------------------------------------- */

static tm_err_t
read_request(struct tuner_run *self)
{
    tm_str_t body = self->job->body;

    return tune_setup_spec(body.data, body.size, self->tuner->settings, &self->spec,
                           self->detail);
}

static tm_err_t
try_start(struct tuner_run *self)
{
    struct tune_started started;
    tm_err_t err =
        tune_store_start(self->tuner->store, &self->job->id, self->job->attempt, &started);

    if (!err) {
        self->queued_ms = started.queued_ms;
        self->spec.seed = started.seed;
    }
    return err;
}

static tm_err_t
start(struct tuner_run *self)
{
    return retry_until_dropped(self, try_start);
}

static struct tune_setup
setup(struct tuner_run *self)
{
    return (struct tune_setup){.settings = self->tuner->settings,
                               .store = self->tuner->store,
                               .datasets = self->tuner->datasets,
                               .spec = &self->spec,
                               .workspace = &self->job->workspace,
                               .detail = self->detail,
                               .faults = &self->faults};
}

static tm_err_t
try_load(struct tuner_run *self)
{
    const struct tune_setup steps = setup(self);

    return tune_setup_dataset(&steps, self->strategy, &self->dataset);
}

static tm_err_t
try_keep_faults(struct tuner_run *self)
{
    char *text = json_text_of(self->faults, JSON_COMPACT);
    const tm_err_t err =
        text ? tune_store_faults(self->tuner->store, &self->job->id, self->job->attempt, text)
             : TM_NO_MEMORY;

    free(text);
    return err;
}

static tm_err_t
get_dataset(struct tuner_run *self)
{
    int64_t started_us = clock_us();
    tm_err_t err = retry_until_dropped(self, try_load);

    self->parse_ms = (double)(clock_us() - started_us) / 1000;
    if (self->faults) {
        const tm_err_t not_kept = retry_until_dropped(self, try_keep_faults);

        return not_kept ? not_kept : err;
    }
    if (err)
        return err;
    for (size_t i = 0; i < self->dataset->report.warning_count; i++)
        json_array_append_new(self->warnings, json_string(self->dataset->report.warnings[i]));
    return TM_OK;
}

static tm_err_t
choose_bars(struct tuner_run *self)
{
    const struct tune_setup steps = setup(self);

    return tune_setup_bars(&steps, self->dataset, &self->bars);
}

static tm_err_t
try_find_strategy(struct tuner_run *self)
{
    const struct tune_setup steps = setup(self);

    return tune_setup_strategy(&steps, &self->strategy, &self->strategy_spec);
}

static tm_err_t
get_strategy(struct tuner_run *self)
{
    return retry_until_dropped(self, try_find_strategy);
}

static tm_err_t
read_options(struct tuner_run *self)
{
    const settings_t *settings = self->tuner->settings;
    const struct tune_spec *spec = &self->spec;

    self->options = (struct tune_options)TUNE_OPTIONS_DEFAULT;
    self->options.backtest = tune_setup_backtest(spec);
    self->options.dd_lambda = spec->dd_lambda;
    self->options.oos_ratio = isnan(spec->oos_ratio) ? 0 : spec->oos_ratio;
    self->options.min_trades = spec->min_trades;
    self->options.gate_max_drawdown_pct = isnan(spec->gates.max_drawdown_pct)
                                              ? settings->tune_gate_max_drawdown_pct
                                              : spec->gates.max_drawdown_pct;
    self->options.gate_min_trades =
        (uint32_t)(spec->gates.min_trades < 0 ? settings->tune_gate_min_trades
                                              : spec->gates.min_trades);
    self->options.select_on_oos = strcmp(spec->select_on, "oos") == 0;
    self->options.n_trials = spec->n_trials;
    self->options.seed = spec->seed;
    self->options.param_space = spec->param_space;
    self->options.constraints = spec->constraints;
    tm_err_t err = search_type_parse(spec->search_type, &self->options.search_type);
    if (!err)
        err = objective_parse(spec->objective_metric, &self->options.metric);
    return err ? err : objective_parse(spec->objective_type, &self->options.objective);
}

/* min_trades is another than it is for who says nothing of it. */
static bool
asks_for_trades(const struct tuner_run *self)
{
    const field_t *row = fields_find(&tune_fields, FIELDS_ALL, "min_trades");

    return self->spec.min_trades != strtoul(row->standard, NULL, 10);
}

static void
warn_of_plan(struct tuner_run *self)
{
    const char *warning = tune_plan_warning(self->plan);
    uint64_t trials = tune_plan_trials(self->plan);

    if (warning[0])
        json_array_append_new(self->warnings, json_string(warning));
    if (self->options.select_on_oos && tune_plan_is_split(self->plan))
        json_array_append_new(
            self->warnings,
            json_string("select_on is oos: the winner is chosen by the out-of-sample part, so "
                        "nothing is out of sample any more"));
    if (self->spec.min_trades < self->options.gate_min_trades && asks_for_trades(self))
        json_array_append_new(
            self->warnings,
            json_sprintf("min_trades is %u, but the gate on trades asks for %u: send gates to "
                         "change it",
                         self->spec.min_trades, self->options.gate_min_trades));
    if (trials < self->spec.n_trials)
        json_array_append_new(
            self->warnings,
            json_sprintf("the space has %llu points: all of them are tried, and no more; "
                         "%llu trials were asked for",
                         (unsigned long long)trials, (unsigned long long)self->spec.n_trials));
}

/* What the bridge could not count, because the body has no strategy, is counted here. */
static tm_err_t
check_grid(const struct tuner_run *self)
{
    struct tune_request_error error = {.err = TM_OK};

    if (self->options.search_type != SEARCH_GRID)
        return TM_OK;
    const tm_err_t err =
        tune_grid_check(tune_plan_points(self->plan), self->spec.n_trials,
                        (uint64_t)self->tuner->settings->tune_max_trials, &error);
    return err ? tune_setup_refuse(self->detail, err, "%s: %s", error.field, error.text)
               : TM_OK;
}

static tm_err_t
make_plan(struct tuner_run *self)
{
    tm_err_t err = read_options(self);

    if (!err)
        err = tune_plan_new(&self->bars, self->strategy, &self->options, &self->plan,
                            self->detail, TUNE_DETAIL_BYTES);
    if (!err)
        err = check_grid(self);
    if (err)
        return err;
    warn_of_plan(self);
    self->trials = trials_new(tune_plan_trials(self->plan), tune_plan_is_split(self->plan),
                              (size_t)self->tuner->settings->tune_leaderboard);
    return self->trials ? TM_OK : TM_NO_MEMORY;
}

/* Canceled too late to stop it: all its trials have been run. It may take its time to store. */
static void
heed_late_cancel(void *arg)
{
    struct tuner_run *self = arg;

    if (!self->has_said_stopped && self->port->is_canceled(self->port->arg))
        tuner_say_stopped(self);
}

static tm_err_t
try_persist(struct tuner_run *self)
{
    struct tune_result result = {.tune = self->job->id,
                                 .attempt = self->job->attempt,
                                 .strategy = self->strategy,
                                 .strategy_spec = self->spec_text,
                                 .plan = self->plan,
                                 .trials = self->trials,
                                 .best_params = self->best_params,
                                 .gates = self->gates,
                                 .overfit = self->overfit,
                                 .dataset = self->dataset_text,
                                 .rejections = self->rejections,
                                 .warnings = self->warnings_text,
                                 .body = self->body,
                                 .queued_ms = self->queued_ms,
                                 .parse_ms = self->parse_ms,
                                 .search_ms = self->search_ms,
                                 .is_canceled = self->is_canceled,
                                 .on_rows = heed_late_cancel,
                                 .arg = self};

    return tune_store_finish(self->tuner->store, &result);
}

static tm_err_t
persist(struct tuner_run *self)
{
    if (self->port->is_dropped(self->port->arg))
        return TM_LEASE_LOST;
    heed_late_cancel(self);
    return retry_until_dropped(self, try_persist);
}

static tuner_try_fn *const steps[] = {
    read_request, start,        get_strategy, get_dataset, choose_bars,
    make_plan,    tuner_search, tuner_judge,  persist,
};

/* ---- the whole -------------------------------------------------------------------------- */

static void
run_fini(struct tuner_run *self)
{
    trials_destroy(&self->trials);
    tune_plan_destroy(&self->plan);
    strategy_destroy(&self->strategy);
    json_decref(self->strategy_spec);
    tune_spec_fini(&self->spec);
    json_decref(self->warnings);
    json_decref(self->faults);
    free(self->best_params);
    free(self->gates);
    free(self->overfit);
    free(self->dataset_text);
    free(self->rejections);
    free(self->warnings_text);
    free(self->spec_text);
    free(self->body);
}

/* The request, its price data, its strategy or its space is wrong. A stored dataset that has
 * changed or lost a piece is our failure, although its code is among theirs. */
static bool
is_rejection(tm_err_t err)
{
    const int http = tm_err_http(err);

    return http >= 400 && http < 500 && !tm_err_retryable(err) && err != TM_LEASE_LOST &&
           err != TM_DATASET_MISMATCH;
}

static const char *
outcome_of(tm_err_t err, bool is_canceled)
{
    if (err == TM_OK)
        return is_canceled ? "canceled" : "completed";
    if (err == TM_LEASE_LOST)
        return "given_up";
    return is_rejection(err) ? "rejected" : "failed";
}

static void
account(const struct tuner_run *self, tm_err_t err, int64_t started_us)
{
    meters_t *meters = self->tuner->meters;
    char id[TM_UUID_TEXT];

    const char *outcome = outcome_of(err, self->is_canceled);

    meters_add(meters, METRIC_TUNES, outcome, 1);
    if (!err) {
        meters_observe_us(meters, METRIC_TUNE_SECONDS, NULL, clock_us() - started_us);
        meters_observe_us(meters, METRIC_TUNE_LATENCY, NULL,
                          (int64_t)(self->queued_ms * 1000) + clock_us() - started_us);
        meters_add(meters, METRIC_TRIALS, "completed",
                   trials_count_of(self->trials, TRIAL_COMPLETED));
        meters_add(meters, METRIC_TRIALS, "skipped",
                   trials_count_of(self->trials, TRIAL_SKIPPED));
        meters_add(meters, METRIC_TRIALS, "failed",
                   trials_count_of(self->trials, TRIAL_FAILED));
    }
    log_info("tune.ended", "job=%s attempt=%u outcome=%s code=%s trials=%llu search_ms=%.0f",
             tm_uuid_text(&self->job->id, id), self->job->attempt, outcome, tm_err_name(err),
             self->trials ? (unsigned long long)trials_count(self->trials) : 0ULL,
             self->search_ms);
}

void
tuner_run(tuner_t *self, const struct tuner_job *job, const struct tuner_port *port,
          struct tuner_end *ret)
{
    struct tuner_run run = {.tuner = self,
                            .job = job,
                            .port = port,
                            .detail = ret->detail,
                            .warnings = json_array()};
    int64_t started_us = clock_us();
    tm_err_t err = TM_OK;

    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
        err = steps[i](&run);
    ret->err = err;
    ret->is_canceled = run.is_canceled;
    ret->retryable = tm_err_retryable(err);
    ret->is_rejected = is_rejection(err);
    ret->queued_ms = run.queued_ms;
    if (err && !ret->detail[0])
        snprintf(ret->detail, sizeof(ret->detail), "%s", tm_err_text(err));
    account(&run, err, started_us);
    if (!err) {
        ret->result = run.body;
        run.body = NULL;
    }
    run_fini(&run);
}
