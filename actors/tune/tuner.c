#include "actors/tune/tuner_run.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "actors/kit/clock.h"
#include "actors/kit/log.h"
#include "actors/tune/dataset_load.h"
#include "actors/tune/report.h"

enum {
    MIN_BARS = 10,
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
    dataset_cache_destroy(&self->datasets);
    free(self);
    *self_p = NULL;
}

/* ---- what the steps share --------------------------------------------------------------- */

tm_err_t
tuner_refuse(struct tuner_run *self, tm_err_t err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(self->detail, TUNER_DETAIL_BYTES, format, args);
    va_end(args);
    return err;
}

static bool
pause_unless_dropped(const struct tuner_run *self, int64_t pause_ms)
{
    int64_t end_ms = clock_ms() + pause_ms;

    do {
        if (self->port->is_dropped(self->port->arg))
            return false;
        zclock_sleep(SLICE_MS);
    } while (clock_ms() < end_ms);
    return true;
}

tm_err_t
tuner_persevere(struct tuner_run *self, tuner_try_fn *attempt)
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
    struct tune_request_error error = {.err = TM_OK};
    tm_str_t body = self->job->body;
    tm_err_t err = tune_spec_parse(body.data, body.size, &self->spec, &error);

    if (err)
        return tuner_refuse(self, err, "%s%s%s", error.field, error.field[0] ? ": " : "",
                            error.text);
    if (self->spec.n_trials > self->tuner->settings->tune_max_trials)
        return tuner_refuse(self, TM_VALIDATION_FAILED, "n_trials: must be between 1 and %lld",
                            (long long)self->tuner->settings->tune_max_trials);
    if (strcmp(self->spec.search_type, "tpe") == 0)
        return tuner_refuse(self, TM_INVALID_SEARCH_TYPE,
                            "search_type tpe is not available in this version; use random");
    return TM_OK;
}

static tm_err_t
try_start(struct tuner_run *self)
{
    return tune_store_start(self->tuner->store, &self->job->id, self->job->attempt,
                            &self->queued_ms);
}

static tm_err_t
start(struct tuner_run *self)
{
    return tuner_persevere(self, try_start);
}

static tm_err_t
try_load(struct tuner_run *self)
{
    tuner_t *tuner = self->tuner;
    const struct dataset_wanted wanted = {
        .sha256 = self->spec.dataset_sha256,
        .max_bytes = (uint64_t)tuner->settings->http_max_upload_mb << 20,
        .detail = self->detail,
        .detail_size = TUNER_DETAIL_BYTES};
    struct csv_report report;
    bars_t *bars = NULL;
    char *data = NULL;
    size_t size = 0;
    tm_err_t err = dataset_load(tuner->store, &wanted, &data, &size);

    if (err)
        return err;
    err = csv_parse(data, size, &report, &bars);
    free(data);
    if (err)
        return tuner_refuse(self, err, "%s", report.error);
    self->dataset = dataset_cache_add(tuner->datasets, wanted.sha256, &bars, &report);
    return TM_OK;
}

static tm_err_t
get_dataset(struct tuner_run *self)
{
    int64_t started_us = clock_us();
    tm_err_t err = TM_OK;

    self->dataset = dataset_cache_find(self->tuner->datasets, self->spec.dataset_sha256);
    if (!self->dataset)
        err = tuner_persevere(self, try_load);
    self->parse_ms = (double)(clock_us() - started_us) / 1000;
    if (err)
        return err;
    for (size_t i = 0; i < self->dataset->report.warning_count; i++)
        json_array_append_new(self->warnings, json_string(self->dataset->report.warnings[i]));
    return TM_OK;
}

static tm_err_t
choose_bars(struct tuner_run *self)
{
    self->bars =
        bars_between(self->dataset->bars, self->spec.date_from_ms, self->spec.date_to_ms);
    if (self->bars.count >= MIN_BARS)
        return TM_OK;
    return tuner_refuse(
        self, TM_INSUFFICIENT_DATA,
        "%zu of the %zu bars are between date_from and date_to; at least %d are needed",
        self->bars.count, self->dataset->bars->count, MIN_BARS);
}

static tm_err_t
try_find_strategy(struct tuner_run *self)
{
    const char *text = self->spec.strategy_entity_id;
    json_t *spec = NULL;
    tm_uuid_t id;
    tm_err_t err = tm_uuid_parse(text, strlen(text), &id);

    if (!err)
        err = tune_store_strategy(self->tuner->store, &id, &self->job->workspace, &spec);
    if (!err)
        err = strategy_from_json(spec, &self->strategy, self->detail, TUNER_DETAIL_BYTES);
    json_decref(spec);
    return err;
}

static tm_err_t
get_strategy(struct tuner_run *self)
{
    if (!self->spec.strategy)
        return tuner_persevere(self, try_find_strategy);
    return strategy_from_json(self->spec.strategy, &self->strategy, self->detail,
                              TUNER_DETAIL_BYTES);
}

static tm_err_t
read_options(struct tuner_run *self)
{
    const settings_t *settings = self->tuner->settings;
    const struct tune_spec *spec = &self->spec;

    self->options = (struct tune_options)TUNE_OPTIONS_DEFAULT;
    self->options.backtest.cash = spec->initial_cash;
    self->options.backtest.commission_bps = spec->commission_bps;
    self->options.backtest.slippage_bps = spec->slippage_bps;
    self->options.dd_lambda = spec->dd_lambda;
    self->options.oos_ratio = isnan(spec->oos_ratio) ? 0 : spec->oos_ratio;
    self->options.min_trades = spec->min_trades;
    self->options.gate_max_drawdown_pct = settings->tune_gate_max_drawdown_pct;
    self->options.gate_min_trades = (uint32_t)settings->tune_gate_min_trades;
    self->options.n_trials = spec->n_trials;
    self->options.seed = spec->seed;
    self->options.param_space = spec->param_space;
    const tm_err_t err = search_type_parse(spec->search_type, &self->options.search_type);
    return err ? err : objective_parse(spec->objective_type, &self->options.objective);
}

static void
warn_of_plan(struct tuner_run *self)
{
    const char *warning = tune_plan_warning(self->plan);
    uint64_t trials = tune_plan_trials(self->plan);

    if (warning[0])
        json_array_append_new(self->warnings, json_string(warning));
    if (trials < self->spec.n_trials)
        json_array_append_new(
            self->warnings,
            json_sprintf("the grid has %llu combinations; %llu trials were asked for",
                         (unsigned long long)trials, (unsigned long long)self->spec.n_trials));
}

static tm_err_t
make_plan(struct tuner_run *self)
{
    tm_err_t err = read_options(self);

    if (!err)
        err = tune_plan_new(&self->bars, self->strategy, &self->options, &self->plan,
                            self->detail, TUNER_DETAIL_BYTES);
    if (err)
        return err;
    warn_of_plan(self);
    self->trials = trials_new(tune_plan_trials(self->plan), tune_plan_is_split(self->plan),
                              (size_t)self->tuner->settings->tune_leaderboard);
    return self->trials ? TM_OK : TM_NO_MEMORY;
}

static tm_err_t
try_persist(struct tuner_run *self)
{
    struct tune_result result = {.tune = self->job->id,
                                 .attempt = self->job->attempt,
                                 .strategy = self->strategy,
                                 .plan = self->plan,
                                 .trials = self->trials,
                                 .best_params = self->best_params,
                                 .gates = self->gates,
                                 .overfit = self->overfit,
                                 .dataset = self->dataset_text,
                                 .warnings = self->warnings_text,
                                 .body = self->body,
                                 .queued_ms = self->queued_ms,
                                 .parse_ms = self->parse_ms,
                                 .search_ms = self->search_ms};

    return tune_store_finish(self->tuner->store, &result);
}

static tm_err_t
persist(struct tuner_run *self)
{
    if (self->port->is_dropped(self->port->arg))
        return TM_LEASE_LOST;
    return tuner_persevere(self, try_persist);
}

static tuner_try_fn *const steps[] = {
    read_request, start,        get_dataset, choose_bars, get_strategy,
    make_plan,    tuner_search, tuner_judge, persist,
};

/* ---- the whole -------------------------------------------------------------------------- */

static void
run_fini(struct tuner_run *self)
{
    trials_destroy(&self->trials);
    tune_plan_destroy(&self->plan);
    strategy_destroy(&self->strategy);
    tune_spec_fini(&self->spec);
    json_decref(self->warnings);
    free(self->best_params);
    free(self->gates);
    free(self->overfit);
    free(self->dataset_text);
    free(self->warnings_text);
    free(self->body);
}

static const char *
outcome_of(tm_err_t err)
{
    return err == TM_OK ? "completed" : err == TM_LEASE_LOST ? "given_up" : "failed";
}

static void
account(const struct tuner_run *self, tm_err_t err, int64_t started_us)
{
    meters_t *meters = self->tuner->meters;
    char id[TM_UUID_TEXT];

    meters_add(meters, METRIC_TUNES, outcome_of(err), 1);
    if (!err) {
        meters_observe_us(meters, METRIC_TUNE_SECONDS, NULL, clock_us() - started_us);
        meters_add(meters, METRIC_TRIALS, "completed",
                   trials_count_of(self->trials, TRIAL_COMPLETED));
        meters_add(meters, METRIC_TRIALS, "skipped",
                   trials_count_of(self->trials, TRIAL_SKIPPED));
        meters_add(meters, METRIC_TRIALS, "failed",
                   trials_count_of(self->trials, TRIAL_FAILED));
    }
    log_info(
        "tune.ended", "job=%s attempt=%u outcome=%s code=%s trials=%llu search_ms=%.0f",
        tm_uuid_text(&self->job->id, id), self->job->attempt, outcome_of(err), tm_err_name(err),
        self->trials ? (unsigned long long)trials_count(self->trials) : 0ULL, self->search_ms);
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
    if (err == TM_CANCELED)
        err = TM_LEASE_LOST;
    ret->err = err;
    ret->retryable = tm_err_retryable(err);
    if (err && !ret->detail[0])
        snprintf(ret->detail, sizeof(ret->detail), "%s", tm_err_text(err));
    account(&run, err, started_us);
    if (!err) {
        ret->result = run.body;
        run.body = NULL;
    }
    run_fini(&run);
}
