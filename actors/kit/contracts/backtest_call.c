#include "actors/kit/contracts/backtest_call.h"

#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/contracts/tune_field.h"

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

static bool
read_id(const json_t *root, const char *name, tm_uuid_t *ret)
{
    const json_t *value = json_object_get(root, name);

    return json_is_string(value) &&
           tm_uuid_parse(json_string_value(value), json_string_length(value), ret) == TM_OK;
}

static bool
read_count(const json_t *root, const char *name, json_int_t min, json_int_t max, uint32_t *ret)
{
    const json_t *value = json_object_get(root, name);

    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max)
        return false;
    *ret = (uint32_t)json_integer_value(value);
    return true;
}

/* NULL: it names what to compute. */
static const char *
read_subject(const json_t *root, struct backtest_call *ret)
{
    if (json_object_get(root, "run_id"))
        return read_id(root, "run_id", &ret->run) && !tm_uuid_is_nil(&ret->run)
                   ? NULL
                   : "run_id is not a UUID";
    if (!read_id(root, "tune_id", &ret->tune))
        return "tune_id is not a UUID";
    return read_count(root, "trial_index", 0, INT32_MAX, &ret->trial)
               ? NULL
               : "trial_index is not a whole number from 0";
}

tm_err_t
backtest_call_parse(const char *text, size_t size, struct backtest_call *ret,
                    const char **ret_what)
{
    struct backtest_call call = {.trial = 0};
    tm_auto(json) root = NULL;
    const char *what = NULL;

    if (size <= TEXT_MAX && tune_json_depth(text, size) <= DEPTH_MAX)
        root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root))
        what = "the question is no small JSON object";
    else if (!read_id(root, "workspace_id", &call.workspace))
        what = "workspace_id is not a UUID";
    else if (!read_count(root, "points", BACKTEST_POINTS_MIN, BACKTEST_POINTS_MAX,
                         &call.points))
        what = "points is not a whole number from 10 to 20000";
    else
        what = read_subject(root, &call);
    if (what) {
        *ret_what = what;
        return TM_BAD_REQUEST;
    }
    *ret = call;
    return TM_OK;
}
