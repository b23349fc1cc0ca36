#include "actors/tune/store/report.h"

#include <math.h>
#include <string.h>

#include "actors/kit/contracts/tune_spec.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/clock.h"

#define WHOLE_MAX 9007199254740992.0 /* up to here a double is exact */

/* Undefined and infinite numbers have no place in JSON. */
json_t *
report_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
rounded(double value, double scale)
{
    return report_number(floor(value * scale + 0.5) / scale);
}

char *
report_text(json_t **json_p)
{
    char *text = json_text_of(*json_p, JSON_COMPACT);

    json_decref(*json_p);
    *json_p = NULL;
    return text;
}

json_t *
report_params(const strategy_t *strategy, const double *params)
{
    json_t *object = json_object();

    for (size_t i = 0; i < strategy_param_count(strategy); i++) {
        const struct strategy_param *param = strategy_param(strategy, i);
        bool is_whole = param->is_int && fabs(params[i]) < WHOLE_MAX;
        json_object_set_new(object, param->name,
                            is_whole ? json_integer((json_int_t)params[i])
                                     : report_number(params[i]));
    }
    return object;
}

json_t *
report_best_params(const strategy_t *strategy, const tune_plan_t *plan, const trials_t *trials)
{
    double params[TUNE_PARAMS_MAX];
    const struct leader *leaders;

    if (trials_leaders(trials, &leaders) == 0)
        return NULL;
    tune_plan_params(plan, leaders[0].index, params);
    return report_params(strategy, params);
}

static json_t *
best_score(const trials_t *trials)
{
    const struct leader *leaders;

    return trials_leaders(trials, &leaders) ? report_number(leaders[0].score) : json_null();
}

enum { LEADERS_TOLD = 10 };

static json_t *
best_trials(const strategy_t *strategy, const tune_plan_t *plan, const trials_t *trials)
{
    const struct leader *leaders;
    size_t count = trials_leaders(trials, &leaders);
    json_t *list = json_array();
    double params[TUNE_PARAMS_MAX];

    for (size_t i = 0; i < count && i < LEADERS_TOLD; i++) {
        tune_plan_params(plan, leaders[i].index, params);
        json_array_append_new(list, json_pack("{s:I, s:o, s:o}", "trial_index",
                                              (json_int_t)leaders[i].index, "params",
                                              report_params(strategy, params), "score",
                                              report_number(leaders[i].score)));
    }
    return list;
}

char *
report_progress(const strategy_t *strategy, const tune_plan_t *plan, const trials_t *trials,
                double seconds)
{
    double done = (double)trials_count(trials), total = (double)tune_plan_trials(plan);
    double rate = seconds > 0 ? done / seconds : (double)NAN;
    json_t *object =
        json_pack("{s:I, s:I, s:o, s:o, s:o, s:o?, s:o}", "done", (json_int_t)done, "total",
                  (json_int_t)total, "trials_per_second", rounded(rate, 10), "eta_seconds",
                  rounded(rate > 0 ? (total - done) / rate : (double)NAN, 10), "best_score",
                  best_score(trials), "best_params", report_best_params(strategy, plan, trials),
                  "leaders", best_trials(strategy, plan, trials));

    return report_text(&object);
}

char *
report_gates(const struct tune_options *options, bool is_split)
{
    const bool is_off = options->gate_max_drawdown_pct >= TUNE_GATE_OFF_DRAWDOWN_PCT;
    json_t *object = json_pack(
        "{s:o, s:o, s:s}", "max_drawdown_pct",
        is_off ? json_null() : report_number(options->gate_max_drawdown_pct), "min_trades",
        options->gate_min_trades ? json_integer((json_int_t)options->gate_min_trades)
                                 : json_null(),
        "evaluated_on", is_split && options->select_on_oos ? "oos" : "primary");

    return report_text(&object);
}

/* "+09:00 (file)" without where it is from. */
static json_t *
zone_name(const struct data_report *report)
{
    const char *end = strstr(report->zone, " (");

    return json_stringn(report->zone,
                        end ? (size_t)(end - report->zone) : strlen(report->zone));
}

json_t *
report_dataset(const uint8_t sha256[SHA256_SIZE], const bars_t *bars,
               const struct data_report *report)
{
    const size_t end = bars->count - 1;
    const int32_t *offset_s = bars->offset_s;
    char hex[SHA256_TEXT], first[CLOCK_LOCAL_TEXT], last[CLOCK_LOCAL_TEXT];
    char frame[BARS_LABEL_BYTES];
    json_t *notes = json_array();

    for (size_t i = 0; i < report->note_count; i++)
        json_array_append_new(notes, json_string(report->notes[i]));
    bars_timeframe(bars, frame);
    return json_pack(
        "{s:s, s:I, s:s, s:s, s:s, s:o, s:o}", "sha256", hex_text(sha256, SHA256_SIZE, hex),
        "bars", (json_int_t)bars->count, "first",
        clock_local_text(bars->time_ms[0], offset_s, first), "last",
        clock_local_text(bars->time_ms[end], offset_s ? offset_s + end : NULL, last),
        "timeframe", frame, "timezone", zone_name(report), "notes", notes);
}

char *
report_result(const tm_uuid_t *tune, const char *status, const strategy_t *strategy,
              const tune_plan_t *plan, const trials_t *trials)
{
    char id[TM_UUID_TEXT];
    json_t *object = json_pack("{s:s, s:s, s:o, s:o?, s:I}", "tune_id", tm_uuid_text(tune, id),
                               "status", status, "best_score", best_score(trials),
                               "best_params", report_best_params(strategy, plan, trials),
                               "trials", (json_int_t)trials_count(trials));

    return report_text(&object);
}
