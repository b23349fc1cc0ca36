/* An answer is a list of steps, as a tune is. A trial that failed has no curve: the steps
 * between its row and the answer's text are for those that did not. */
#include "actors/tune/recompute/recompute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"
#include "actors/tune/recompute/recompute_report.h"
#include "actors/tune/store/report.h"

#define CACHE_BYTES ((size_t)32 << 20)

struct recompute {
    const settings_t *settings;
    tune_store_t *store;
    lru_t *datasets;
};

struct replay_run {
    recompute_t *replay;
    const struct backtest_call *call;
    char *detail;
    struct stored_trial stored;
    const json_t *trial; /* of the stored row */
    struct tune_spec spec;
    const dataset_t *dataset;
    strategy_t *strategy;
    double params[STRATEGY_PARAMS_MAX];
    struct recompute_result result;
    struct recompute_answer answer;
};

recompute_t *
recompute_new(const settings_t *settings, meters_t *meters)
{
    recompute_t *self = zmalloc(sizeof(*self));

    self->settings = settings;
    self->store = tune_store_new(settings, meters);
    self->datasets = dataset_cache_new(CACHE_BYTES);
    return self;
}

void
recompute_destroy(recompute_t **self_p)
{
    recompute_t *self = *self_p;

    if (!self)
        return;
    tune_store_destroy(&self->store);
    lru_destroy(&self->datasets);
    free(self);
    *self_p = NULL;
}

static struct tune_setup
setup(struct replay_run *self)
{
    return (struct tune_setup){.settings = self->replay->settings,
                               .store = self->replay->store,
                               .datasets = self->replay->datasets,
                               .spec = &self->spec,
                               .workspace = &self->call->workspace,
                               .detail = self->detail};
}

static void
warn(struct replay_run *self, const char *text)
{
    json_array_append_new(self->result.warnings, json_string(text));
}

/* --- the steps ---------------------------------------------------------------------------- */

static tm_err_t
read_trial(struct replay_run *self)
{
    tm_err_t err = tune_store_trial(self->replay->store, self->call, &self->stored);

    if (err)
        return err;
    self->result.row = self->stored.row;
    self->trial = json_object_get(self->stored.row, "trial");
    return TM_OK;
}

/* The kept request is a job's body but for the strategy. */
static tm_err_t
read_request(struct replay_run *self)
{
    char *text;
    tm_err_t err;

    self->answer.is_lasting = self->stored.strategy != NULL;
    if (self->stored.strategy)
        json_object_set(self->stored.request, "strategy", self->stored.strategy);
    else
        warn(self, "the strategy is taken as it is now: what it was when the tune ran was not "
                   "kept");
    text = json_text_of(self->stored.request, JSON_COMPACT);
    if (!text)
        return TM_NO_MEMORY;
    err = tune_setup_spec(text, strlen(text), NULL, &self->spec, self->detail);
    free(text);
    return err;
}

static tm_err_t
get_bars(struct replay_run *self)
{
    const struct tune_setup steps = setup(self);
    tm_err_t err = tune_setup_dataset(&steps, self->strategy, &self->dataset);

    if (err)
        return err;
    for (size_t i = 0; i < self->dataset->report.warning_count; i++)
        warn(self, self->dataset->report.warnings[i]);
    self->result.read = &self->dataset->report;
    memcpy(self->result.sha256, self->spec.dataset_sha256, SHA256_SIZE);
    return tune_setup_bars(&steps, self->dataset, &self->result.bars);
}

/* Those that are not named have the strategy's defaults. */
static tm_err_t
read_params(struct replay_run *self)
{
    json_t *params = json_object_get(self->trial, "params"), *value;
    const char *name;

    json_object_foreach(params, name, value)
    {
        const int index = strategy_param_index(self->strategy, name);

        if (index < 0) {
            strategy_unknown_param(self->strategy, name, self->detail, TUNE_DETAIL_BYTES);
            return TM_INVALID_PARAM_SPACE;
        }
        if (!json_is_number(value))
            return tune_setup_refuse(self->detail, TM_INVALID_PARAM_SPACE, "%s: is no number",
                                     name);
        self->params[index] = json_number_value(value);
    }
    return TM_OK;
}

static tm_err_t
get_strategy(struct replay_run *self)
{
    const struct tune_setup steps = setup(self);
    json_t *spec = NULL;
    tm_err_t err = tune_setup_strategy(&steps, &self->strategy, &spec);

    json_decref(spec);
    if (err)
        return err;
    strategy_defaults(self->strategy, self->params);
    err = read_params(self);
    if (!err)
        err = strategy_check_params(self->strategy, self->params, self->detail,
                                    TUNE_DETAIL_BYTES);
    self->result.params = report_params(self->strategy, self->params);
    return err;
}

static void
choose_windows(struct replay_run *self)
{
    struct recompute_result *result = &self->result;
    const double ratio = isnan(self->spec.oos_ratio) ? 0 : self->spec.oos_ratio;
    char warning[TUNE_WARNING_BYTES];
    const size_t count = result->bars.count, is = tune_split(count, ratio, warning);

    if (warning[0])
        warn(self, warning);
    result->window_count = is < count ? 2 : 1;
    result->judged = result->window_count - 1;
    if (json_is_integer(json_object_get(self->trial, "trial_index")) &&
        strcmp(self->spec.select_on, "oos") != 0)
        result->judged = 0; /* the part that chose it; the other is a test */
    result->windows[0].bars = bars_slice(&result->bars, 0, is);
    result->windows[1].bars = bars_slice(&result->bars, is, count - is);
}

static void
warn_of_run(struct replay_run *self, const backtest_t *backtest)
{
    char warnings[BACKTEST_WARNINGS_MAX][BACKTEST_WARNING_BYTES];
    const size_t count = backtest_warnings(backtest, warnings);

    for (size_t i = 0; i < count; i++)
        warn(self, warnings[i]);
}

static tm_err_t
compute_window(struct replay_run *self, struct recompute_window *window)
{
    const struct backtest_options options = tune_setup_backtest(&self->spec);
    tm_auto(backtest) backtest = NULL;
    tm_err_t err = backtest_new(&window->bars, self->strategy, &options, &backtest);

    if (!err)
        err = backtest_trace(backtest, self->params, &window->metrics, &window->trace);
    if (!err)
        warn_of_run(self, backtest);
    return err;
}

static tm_err_t
compute(struct replay_run *self)
{
    tm_err_t err = TM_OK;

    choose_windows(self);
    self->result.cash = self->spec.initial_cash;
    for (size_t i = 0; !err && i < self->result.window_count; i++)
        err = compute_window(self, &self->result.windows[i]);
    return err;
}

/* Is every stored figure this one, to the last bit? One that is undefined is null. */
static bool
is_same(const json_t *stored, const struct metrics *metrics)
{
    for (size_t i = 0; i < METRIC_COUNT_ALL; i++) {
        const json_t *was = json_object_get(stored, metrics_info(i)->name);
        const double is = metrics_value(metrics, i);

        if (was && (isfinite(is) ? !json_is_number(was) || json_number_value(was) != is
                                 : !json_is_null(was)))
            return false;
    }
    return true;
}

static tm_err_t
compare(struct replay_run *self)
{
    static const char *const members[] = {"metrics_is", "metrics_oos"};
    char id[TM_UUID_TEXT];

    for (size_t i = 0; i < self->result.window_count && i < 2; i++) {
        if (is_same(json_object_get(self->trial, members[i]), &self->result.windows[i].metrics))
            continue;
        warn(self, "the figures are not those of the tune: the strategy or the program has "
                   "changed since it ran");
        log_warn("backtest.differs", "tune=%s trial=%u", tm_uuid_text(&self->call->tune, id),
                 self->call->trial);
        break;
    }
    return TM_OK;
}

static tm_err_t
write_answer(struct replay_run *self)
{
    const size_t most = (size_t)self->replay->settings->broker_max_body_kb * 1024;

    self->answer.text = recompute_report(&self->result, self->call->points, most);
    return self->answer.text ? TM_OK
                             : tune_setup_refuse(self->detail, TM_TOO_LARGE,
                                                 "the answer is larger than "
                                                 "broker.max_body_kb allows");
}

/* --- the whole ---------------------------------------------------------------------------- */

typedef tm_err_t step_fn(struct replay_run *self);

static tm_err_t
take(struct replay_run *self, step_fn *const *steps, size_t count)
{
    tm_err_t err = TM_OK;

    for (size_t i = 0; !err && i < count; i++)
        err = steps[i](self);
    return err;
}

static bool
has_failed(const struct replay_run *self)
{
    const char *status = json_string_value(json_object_get(self->trial, "status"));

    return !status || strcmp(status, "failed") == 0;
}

static void
run_fini(struct replay_run *self)
{
    for (size_t i = 0; i < self->result.window_count; i++)
        backtest_trace_destroy(&self->result.windows[i].trace);
    strategy_destroy(&self->strategy);
    tune_spec_fini(&self->spec);
    stored_trial_fini(&self->stored);
    json_decref(self->result.warnings);
    json_decref(self->result.params);
}

tm_err_t
recompute_answer(recompute_t *self, const struct backtest_call *call,
                 struct recompute_answer *ret, char *detail)
{
    static step_fn *const computing[] = {read_request, get_strategy, get_bars, compute,
                                         compare};
    struct replay_run run = {.replay = self,
                             .call = call,
                             .detail = detail,
                             .answer = {.is_lasting = true},
                             .result = {.warnings = json_array()}};
    tm_err_t err;

    detail[0] = '\0';
    err = read_trial(&run);
    if (!err && !has_failed(&run))
        err = take(&run, computing, sizeof(computing) / sizeof(computing[0]));
    if (!err)
        err = write_answer(&run);
    run_fini(&run);
    if (!err)
        *ret = run.answer;
    return err;
}
