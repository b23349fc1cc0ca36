#include "actors/kit/contracts/backtest_call.h"

#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/fields/fields.h"
#include "actors/kit/fields/json_text.h"

#define TEXT_MAX  4096
#define DEPTH_MAX 4

char *
backtest_call_text(const struct backtest_call *self)
{
    const bool is_trial = tm_uuid_is_nil(&self->run);
    char workspace[TM_UUID_TEXT], id[TM_UUID_TEXT], trial[40] = "";
    char *text;

    if (is_trial)
        snprintf(trial, sizeof(trial), ",\"trial_index\":%u", self->trial);
    return asprintf(&text, "{\"workspace_id\":\"%s\",\"%s\":\"%s\"%s,\"points\":%u}",
                    tm_uuid_text(&self->workspace, workspace), is_trial ? "tune_id" : "run_id",
                    tm_uuid_text(is_trial ? &self->tune : &self->run, id), trial,
                    self->points) < 0
               ? NULL
               : text;
}

struct asked {
    struct backtest_call call;
    bool has_run, has_tune, has_trial;
};

static const field_t rows[] = {
    {FIELD_IS("workspace_id", UUID), .flags = FIELD_REQUIRED,
     FIELD_AT(struct asked, call.workspace)},
    {FIELD_IS("run_id", UUID), FIELD_AT(struct asked, call.run),
     FIELD_HAS(struct asked, has_run)},
    {FIELD_IS("tune_id", UUID), FIELD_AT(struct asked, call.tune),
     FIELD_HAS(struct asked, has_tune)},
    {FIELD_IS_INT("trial_index", 0, INT32_MAX), FIELD_AT(struct asked, call.trial),
     FIELD_HAS(struct asked, has_trial)},
    {FIELD_IS_INT("points", BACKTEST_POINTS_MIN, BACKTEST_POINTS_MAX), .flags = FIELD_REQUIRED,
     FIELD_AT(struct asked, call.points)},
};
static const struct fields table = FIELDS_OF(rows);

tm_err_t
backtest_call_parse(const char *text, size_t size, struct backtest_call *ret,
                    char why[BACKTEST_CALL_WHY])
{
    struct asked asked = {.has_run = false};
    tm_auto(json) root =
        size <= TEXT_MAX ? json_text_object(text, size, DEPTH_MAX, NULL) : NULL;

    struct fields_first first = {.err = TM_OK};

    why[0] = '\0';
    fields_read_known(&table, root, &asked, fields_tell_first, &first);
    if (!root)
        snprintf(why, BACKTEST_CALL_WHY, "the question is no small JSON object");
    else if (first.err)
        snprintf(why, BACKTEST_CALL_WHY, "%.60s: %s", first.name, first.why);
    else if ((asked.has_run ? tm_uuid_is_nil(&asked.call.run)
                            : !asked.has_tune || !asked.has_trial))
        snprintf(why, BACKTEST_CALL_WHY,
                 "it names neither a run_id nor a tune_id and a trial_index");
    if (why[0])
        return TM_BAD_REQUEST;
    *ret = asked.call;
    if (asked.has_run) {
        ret->tune = (tm_uuid_t){{0}};
        ret->trial = 0;
    }
    return TM_OK;
}
