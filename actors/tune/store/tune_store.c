#include "actors/tune/store/tune_store.h"

#include <math.h>
#include <string.h>

#include "actors/kit/pg/pg_settings.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/pg/pg_copy.h"
#include "actors/tune/store/statements.def"

enum { TUNE_STATEMENTS(PG_STATEMENT_ID) STMT_COUNT };
static const struct pg_statement statements[] = {TUNE_STATEMENTS(PG_STATEMENT_ROW)};

#define RUN_COLUMNS 14 /* of TRIALS_COPY */
#define ROWS_A_LOOK 1000

struct tune_store {
    pg_sync_t *pg;
    pg_copy_t copy;
};

tune_store_t *
tune_store_new(const settings_t *settings, meters_t *meters)
{
    tune_store_t *self = zmalloc(sizeof(*self));
    struct pg_options options = pg_settings_options(settings, meters, "tunemill tune");

    options.statements = statements;
    options.statement_count = STMT_COUNT;
    self->pg = pg_sync_new(&options);
    return self;
}

void
tune_store_destroy(tune_store_t **self_p)
{
    if (!*self_p)
        return;
    pg_sync_destroy(&(*self_p)->pg);
    free(*self_p);
    *self_p = NULL;
}

static tm_err_t
run(tune_store_t *self, pg_unit_t **unit_p, PGresult **ret)
{
    const struct pg_outcome *outcome;
    tm_err_t err = pg_sync_run(self->pg, unit_p, &outcome);

    if (!err && ret)
        *ret = outcome->results[outcome->count - 1];
    return err;
}

/* One row; else the error that says so. */
static tm_err_t
run_one(tune_store_t *self, pg_unit_t **unit_p, tm_err_t none, PGresult **ret)
{
    tm_err_t err = run(self, unit_p, ret);

    return !err && PQntuples(*ret) == 0 ? none : err;
}

static pg_unit_t *
unit_of(tune_store_t *self, size_t statement)
{
    pg_unit_t *unit = pg_unit_sync(self->pg);

    pg_add(unit, statement);
    return unit;
}

/* A unit that begins with the tune and the attempt, as most of ours do. */
static pg_unit_t *
unit_for(tune_store_t *self, size_t statement, const tm_uuid_t *tune, uint32_t attempt)
{
    pg_unit_t *unit = unit_of(self, statement);

    pg_uuid(unit, tune);
    pg_i64(unit, attempt);
    return unit;
}

tm_err_t
tune_store_start(tune_store_t *self, const tm_uuid_t *tune, uint32_t attempt,
                 struct tune_started *ret)
{
    pg_unit_t *unit = unit_for(self, STMT_TUNE_START, tune, attempt);
    PGresult *result;
    tm_err_t err = run_one(self, &unit, TM_LEASE_LOST, &result);

    if (err)
        return err;
    ret->queued_ms = pg_get_f64(result, 0, 0);
    ret->seed = (uint64_t)pg_get_i64(result, 0, 1);
    return TM_OK;
}

tm_err_t
tune_store_strategy(tune_store_t *self, const tm_uuid_t *strategy, const tm_uuid_t *workspace,
                    json_t **ret)
{
    pg_unit_t *unit = unit_of(self, STMT_TUNE_STRATEGY);
    PGresult *result;
    tm_err_t err;

    pg_uuid(unit, strategy);
    pg_uuid(unit, workspace);
    err = run_one(self, &unit, TM_STRATEGY_NOT_FOUND, &result);
    if (err)
        return err;
    *ret = json_loads(pg_get(result, 0, 0), 0, NULL);
    return *ret ? TM_OK : TM_INVALID_STRATEGY;
}

tm_err_t
tune_store_dataset_size(tune_store_t *self, const uint8_t sha256[SHA256_SIZE], uint64_t *ret)
{
    pg_unit_t *unit = unit_of(self, STMT_DATASET_SIZE);
    PGresult *result;
    tm_err_t err;

    pg_bytes(unit, sha256, SHA256_SIZE);
    err = run_one(self, &unit, TM_NOT_FOUND, &result);
    if (!err)
        *ret = (uint64_t)pg_get_i64(result, 0, 0);
    return err;
}

tm_err_t
tune_store_piece(tune_store_t *self, const uint8_t sha256[SHA256_SIZE], uint64_t piece,
                 unsigned char **ret, size_t *ret_size)
{
    pg_unit_t *unit = unit_of(self, STMT_DATASET_PIECE);
    PGresult *result;
    tm_err_t err;

    pg_bytes(unit, sha256, SHA256_SIZE);
    pg_i64(unit, (int64_t)piece);
    err = run_one(self, &unit, TM_NOT_FOUND, &result);
    if (err)
        return err;
    *ret = pg_get_bytes(result, 0, 0, ret_size);
    return *ret ? TM_OK : TM_NO_MEMORY;
}

void
stored_trial_fini(struct stored_trial *self)
{
    json_decref(self->row);
    json_decref(self->request);
    json_decref(self->strategy);
    *self = (struct stored_trial){0};
}

static json_t *
get_json(const PGresult *result, int column)
{
    const char *text = pg_get(result, 0, column);

    return text ? json_loads(text, 0, NULL) : NULL;
}

tm_err_t
tune_store_trial(tune_store_t *self, const struct backtest_call *which,
                 struct stored_trial *ret)
{
    const bool is_trial = tm_uuid_is_nil(&which->run);
    pg_unit_t *unit = unit_of(self, is_trial ? STMT_TRIAL : STMT_BACKTEST);
    struct stored_trial trial;
    PGresult *result;
    tm_err_t err;

    pg_uuid(unit, &which->workspace);
    pg_uuid(unit, is_trial ? &which->tune : &which->run);
    if (is_trial)
        pg_i64(unit, which->trial);
    err = run_one(self, &unit, TM_RUN_NOT_FOUND, &result);
    if (err)
        return err;
    trial =
        (struct stored_trial){get_json(result, 0), get_json(result, 1), get_json(result, 2)};
    if (!json_is_object(trial.row) || !json_is_object(trial.request)) {
        stored_trial_fini(&trial);
        return TM_INTERNAL;
    }
    *ret = trial;
    return TM_OK;
}

tm_err_t
tune_store_progress(tune_store_t *self, const tm_uuid_t *tune, uint32_t attempt, uint64_t done,
                    uint64_t total)
{
    pg_unit_t *unit = unit_for(self, STMT_TUNE_PROGRESS, tune, attempt);

    pg_i64(unit, (int64_t)done);
    pg_i64(unit, (int64_t)total);
    return run(self, &unit, NULL);
}

tm_err_t
tune_store_tell(tune_store_t *self, const tm_uuid_t *tune, uint32_t attempt, const char *json)
{
    pg_unit_t *unit = unit_for(self, STMT_TUNE_TELL, tune, attempt);

    pg_text(unit, json);
    return run(self, &unit, NULL);
}

tm_err_t
tune_store_faults(tune_store_t *self, const tm_uuid_t *tune, uint32_t attempt, const char *json)
{
    pg_unit_t *unit = unit_for(self, STMT_TUNE_FAULTS, tune, attempt);

    pg_text(unit, json);
    return run(self, &unit, NULL);
}

tm_uuid_t
tune_run_id(const tm_uuid_t *tune, uint64_t index)
{
    tm_uuid_t id = *tune;

    for (size_t i = 0; i < 4; i++)
        id.bytes[15 - i] ^= (uint8_t)((index + 1) >> 8 * i);
    return id;
}

static const char *
status_text(enum trial_status status)
{
    switch (status) {
    case TRIAL_COMPLETED:
        return "completed";
    case TRIAL_SKIPPED:
        return "skipped";
    case TRIAL_PENDING:
    case TRIAL_FAILED:
        break;
    }
    return "failed";
}

static void
copy_trial(pg_copy_t *copy, const struct tune_result *result, const struct trial_row *row,
           size_t rank)
{
    tm_uuid_t run_id = tune_run_id(&result->tune, row->index);
    double params[TUNE_PARAMS_MAX];

    tune_plan_params(result->plan, row->index, params);
    pg_copy_row(copy, RUN_COLUMNS);
    pg_copy_bytes(copy, result->tune.bytes, sizeof(result->tune.bytes));
    pg_copy_i32(copy, (int32_t)row->index);
    pg_copy_bytes(copy, run_id.bytes, sizeof(run_id.bytes));
    pg_copy_text(copy, status_text(row->status));
    if (rank)
        pg_copy_i32(copy, (int32_t)rank);
    else
        pg_copy_null(copy);
    pg_copy_f64_array(copy, params, strategy_param_count(result->strategy));
    pg_copy_f64(copy, row->score);
    pg_copy_f64(copy, row->score_is);
    pg_copy_f64(copy, row->score_oos);
    pg_copy_f64(copy, row->objective_score);
    pg_copy_f64(copy, row->overfit_gap);
    pg_copy_f64_array(copy, row->is.values, METRIC_COUNT_ALL);
    pg_copy_f64_array(copy, trials_is_split(result->trials) ? row->oos.values : NULL,
                      METRIC_COUNT_ALL);
    pg_copy_text(copy, row->reason[0] ? row->reason : NULL);
}

struct place {
    uint64_t index;
    size_t rank;
};

static int
by_index(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

/* The leaders in the order in which the trials are written. */
static struct place *
places_of(const trials_t *trials, size_t *ret_count)
{
    const struct leader *leaders;
    size_t count = trials_leaders(trials, &leaders);
    struct place *places = zmalloc((count + 1) * sizeof(*places));

    for (size_t i = 0; i < count; i++)
        places[i] = (struct place){leaders[i].index, i + 1};
    qsort(places, count, sizeof(*places), by_index);
    *ret_count = count;
    return places;
}

static tm_err_t
write_trials(tune_store_t *self, const struct tune_result *result)
{
    struct trials_cursor cursor = {0};
    struct trial_row row;
    struct place *places;
    size_t count, next = 0;
    tm_err_t err = pg_copy_begin(&self->copy, pg_sync_connection(self->pg),
                                 statements[STMT_TRIALS_COPY].name);

    if (err)
        return err;
    places = places_of(result->trials, &count);
    while (!self->copy.is_broken && trials_next(result->trials, &cursor, &row)) {
        bool has_rank = next < count && places[next].index == row.index;
        copy_trial(&self->copy, result, &row, has_rank ? places[next].rank : 0);
        next += has_rank;
        if (row.index % ROWS_A_LOOK == 0)
            result->on_rows(result->arg);
    }
    free(places);
    return pg_copy_end(&self->copy);
}

static tm_err_t
begin(tune_store_t *self, const struct tune_result *result)
{
    pg_unit_t *unit = unit_of(self, STMT_BEGIN);

    pg_add(unit, STMT_JOB_FINISH);
    pg_uuid(unit, &result->tune);
    pg_i64(unit, result->attempt);
    pg_bytes(unit, result->body, strlen(result->body));
    pg_text(unit, result->is_canceled ? "canceled" : "done");
    return run(self, &unit, NULL);
}

static void
add_best(pg_unit_t *unit, const struct tune_result *result)
{
    const struct leader *leaders;
    size_t count = trials_leaders(result->trials, &leaders);
    tm_uuid_t best;

    if (count == 0) {
        pg_null(unit);
        pg_null(unit);
        pg_null(unit);
        return;
    }
    best = tune_run_id(&result->tune, leaders[0].index);
    pg_uuid(unit, &best);
    pg_text(unit, result->best_params);
    pg_f64(unit, leaders[0].score);
}

static void
add_names(pg_unit_t *unit, const strategy_t *strategy)
{
    pg_array_t *params = pg_array_new(PG_TEXT), *metrics = pg_array_new(PG_TEXT);

    for (size_t i = 0; i < strategy_param_count(strategy); i++) {
        const char *name = strategy_param(strategy, i)->name;
        pg_array_bytes(params, name, strlen(name));
    }
    for (size_t i = 0; i < METRIC_COUNT_ALL; i++)
        pg_array_bytes(metrics, metrics_info(i)->name, strlen(metrics_info(i)->name));
    pg_array(unit, &params);
    pg_array(unit, &metrics);
}

/* So that it has three digits behind the point at most. */
static double
whole_us(double ms)
{
    return floor(ms * 1000 + 0.5) / 1000;
}

static tm_err_t
write_tune(tune_store_t *self, const struct tune_result *result, int64_t started_us)
{
    pg_unit_t *unit = unit_for(self, STMT_TUNE_COMPLETE, &result->tune, result->attempt);
    PGresult *rows;
    char timing[200];
    tm_err_t err;

    snprintf(
        timing, sizeof(timing),
        "{\"queued_ms\":%.12g,\"parse_ms\":%.12g,\"search_ms\":%.12g,\"persist_ms\":%.12g}",
        whole_us(result->queued_ms), whole_us(result->parse_ms), whole_us(result->search_ms),
        whole_us((double)(clock_us() - started_us) / 1000));
    pg_i64(unit, (int64_t)trials_count(result->trials));
    pg_i64(unit, (int64_t)trials_count_of(result->trials, TRIAL_COMPLETED));
    pg_i64(unit, (int64_t)trials_count_of(result->trials, TRIAL_SKIPPED));
    pg_i64(unit, (int64_t)trials_count_of(result->trials, TRIAL_FAILED));
    add_best(unit, result);
    pg_text(unit, result->gates);
    pg_text(unit, result->overfit);
    pg_text(unit, result->dataset);
    pg_text(unit, timing);
    pg_text(unit, result->warnings);
    add_names(unit, result->strategy);
    pg_text(unit, strategy_name(result->strategy));
    pg_text(unit, result->strategy_spec);
    pg_i64(unit, (int64_t)tune_plan_trials(result->plan));
    pg_bool(unit, result->is_canceled);
    pg_text(unit, result->rejections);
    err = run(self, &unit, &rows);
    return !err && pg_affected(rows) != 1 ? TM_LEASE_LOST : err;
}

static tm_err_t
run_plain(tune_store_t *self, size_t statement)
{
    pg_unit_t *unit = unit_of(self, statement);

    return run(self, &unit, NULL);
}

static void
roll_back(tune_store_t *self)
{
    if (!pg_sync_connection(self->pg))
        return; /* the server does it */
    if (run_plain(self, STMT_ROLLBACK))
        log_debug("tune.rollback_lost", "what=\"the connection was lost instead\"");
}

/* The job is gone: was it our own COMMIT, whose answer was lost? */
static tm_err_t
look_back(tune_store_t *self, const struct tune_result *result)
{
    pg_unit_t *unit = unit_for(self, STMT_JOB_DONE, &result->tune, result->attempt);
    PGresult *rows;

    return run_one(self, &unit, TM_LEASE_LOST, &rows);
}

tm_err_t
tune_store_finish(tune_store_t *self, const struct tune_result *result)
{
    int64_t started_us = clock_us();
    tm_err_t err = begin(self, result);

    if (err == TM_LEASE_LOST) {
        roll_back(self);
        return look_back(self, result);
    }
    if (!err)
        err = write_trials(self, result);
    if (!err)
        err = write_tune(self, result, started_us);
    if (!err)
        err = run_plain(self, STMT_COMMIT);
    if (err)
        roll_back(self);
    return err;
}
