#include "tests/unit/tune/recompute_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tune_world world;
recompute_t *replay;
char detail[TUNE_DETAIL_BYTES];

void
replay_set_up(void)
{
    tune_world_init(&world);
    replay = recompute_new(world.settings, world.meters);
}

void
replay_tear_down(void)
{
    recompute_destroy(&replay);
    tune_world_fini(&world);
}

void
run_tune(const char *file, const char *const *fields)
{
    static const char *const seeded[] = {"seed", "1",
                                         NULL}; /* else each run has other trials */

    tune_world_dataset(&world, file);
    tune_world_job(&world, "bb_reversal", fields ? fields : seeded);
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
}

tm_err_t
ask(uint32_t trial, uint32_t points, json_t **ret)
{
    struct backtest_call call = {.workspace = world.job.workspace,
                                 .tune = world.job.id,
                                 .trial = trial,
                                 .points = points};
    struct recompute_answer answer = {NULL, false};
    tm_err_t err = recompute_answer(replay, &call, &answer, detail);

    if (!err) {
        ck_assert_uint_le(strlen(answer.text),
                          (size_t)world.settings->broker_max_body_kb * 1024);
        *ret = json_loads(answer.text, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(*ret != NULL, "%s", answer.text);
        ck_assert(answer.is_lasting != warns(*ret, "the strategy is taken as it is now"));
    }
    free(answer.text);
    return err;
}

json_t *
answer_of(uint32_t trial, uint32_t points)
{
    json_t *answer = NULL;

    ck_assert_msg(ask(trial, points, &answer) == TM_OK, "%s", detail);
    return answer;
}

const json_t *
member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    ck_assert_msg(value != NULL, "there is no %s", name);
    return value;
}

const char *
text(const json_t *object, const char *name)
{
    return json_string_value(member(object, name));
}

double
number(const json_t *object, const char *name)
{
    const json_t *value = member(object, name);

    ck_assert_msg(json_is_number(value), "%s is no number", name);
    return json_number_value(value);
}

bool
warns(const json_t *answer, const char *part)
{
    const json_t *warning;
    size_t index;

    json_array_foreach(member(answer, "warnings"), index, warning)
    {
        if (strstr(json_string_value(warning), part))
            return true;
    }
    return false;
}

static json_t *
query_json(const char *sql)
{
    char *row = tune_world_query(&world, sql);
    json_t *json = json_loads(row, 0, NULL);

    ck_assert_msg(json != NULL, "%s", row);
    free(row);
    return json;
}

void
expect_summary(const json_t *answer)
{
    char sql[600];
    const char *name;
    json_t *value, *stored;

    snprintf(sql, sizeof(sql),
             "SELECT tune_summary(t.metric_names, tune_choosing(t, r))"
             "  FROM backtest_tunes t JOIN backtest_tune_runs r ON r.tune_id = t.id"
             " WHERE t.id = $ID AND r.trial_index = %d",
             (int)number(answer, "trial_index"));
    stored = query_json(sql);
    ck_assert_uint_eq(json_object_size(stored), 8);
    ck_assert_uint_eq(json_object_size(member(answer, "summary")), 8);
    json_object_foreach(stored, name, value)
    {
        const json_t *got = member(member(answer, "summary"), name);

        if (json_is_null(value))
            ck_assert_msg(json_is_null(got), "%s", name);
        else
            ck_assert_msg(json_number_value(got) == json_number_value(value),
                          "%s: %.17g, not %.17g", name, json_number_value(got),
                          json_number_value(value));
    }
    json_decref(stored);
}
