#include "actors/kit/contracts/tune_request.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/digest.h"
#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/contracts/tune_space.h"

/* file names longer than this are cut; bodies nest no deeper than that */
enum { FILENAME_MAX_BYTES = 255, BODY_DEPTH_MAX = 32 };

#define DD_LAMBDA 0.02
#define DAY_MS    INT64_C(86400000)

struct tune_request {
    const settings_t *settings;
    json_t *root; /* the body being made */
};

tune_request_t *
tune_request_new(const settings_t *settings)
{
    tune_request_t *self = zmalloc(sizeof(*self));

    self->settings = settings;
    self->root = json_object();
    return self;
}

void
tune_request_destroy(tune_request_t **self_p)
{
    if (!*self_p)
        return;
    json_decref((*self_p)->root);
    free(*self_p);
    *self_p = NULL;
}

tm_err_t
tune_request_set(tune_request_t *self, const char *name, const char *value, size_t size,
                 struct tune_request_error *ret_error)
{
    const tune_field_t *field = tune_field_find(name);
    struct tune_request_error unasked, *ret = ret_error ? ret_error : &unasked;
    json_t *json;

    if (!field)
        return TM_OK;
    if (size == 0) { /* an input of a form that was left empty */
        json_object_del(self->root, name);
        return TM_OK;
    }
    json = tune_field_read(field, value, size, (double)self->settings->tune_max_trials, ret);
    if (!json)
        return ret->err;
    return json_object_set_new(self->root, name, json) == 0 ? TM_OK : TM_NO_MEMORY;
}

void
tune_request_set_dataset(tune_request_t *self, const uint8_t sha256[32], uint64_t size,
                         const char *filename)
{
    char text[SHA256_TEXT], name[FILENAME_MAX_BYTES + 1];

    json_object_set_new(self->root, "dataset_sha256", json_string(hex_text(sha256, 32, text)));
    json_object_set_new(self->root, "dataset_size", json_integer((json_int_t)size));
    if (filename && *filename) {
        tm_str_t clean = tm_text_clean(filename, name, sizeof(name));
        json_object_set_new(self->root, "filename", json_stringn(clean.data, clean.size));
    }
}

/* --- strategy ----------------------------------------------------------------------------- */

static tm_err_t
check_strategy(const tune_request_t *self, struct tune_request_error *ret)
{
    const json_t *strategy = json_object_get(self->root, "strategy");
    json_t *space = json_object_get(self->root, "param_space");
    const json_t *params = json_object_get(strategy, "params");

    if (strategy && json_object_size(params) == 0)
        return tune_refuse(ret, TM_NO_TUNABLE_PARAMS, "strategy_entity_id", "%s",
                           tm_err_text(TM_NO_TUNABLE_PARAMS));
    return space ? tune_space_check(space, params, ret) : TM_OK;
}

tm_err_t
tune_request_set_strategy(tune_request_t *self, json_t **spec_p,
                          struct tune_request_error *ret_error)
{
    json_t *spec = *spec_p;
    const char *id = json_string_value(json_object_get(spec, "id"));

    *spec_p = NULL;
    if (!json_is_object(spec)) {
        json_decref(spec);
        return tune_refuse(ret_error, TM_INVALID_STRATEGY, "strategy", "is not a JSON object");
    }
    json_object_set_new(self->root, "strategy", spec);
    if (!tune_request_strategy_id(self) && id) {
        tm_err_t err = tune_request_set(self, "strategy_entity_id", id, strlen(id), ret_error);
        if (err)
            return err;
    }
    return check_strategy(self, ret_error);
}

/* --- the whole ---------------------------------------------------------------------------- */

static tm_err_t
fill_defaults(tune_request_t *self, struct tune_request_error *ret)
{
    const tune_field_t *field;
    const char *metric;
    json_t *objective;

    for (size_t i = 0; (field = tune_field_at(i)); i++)
        if (field->standard && !json_object_get(self->root, field->name)) {
            tm_err_t err = tune_request_set(self, field->name, field->standard,
                                            strlen(field->standard), ret);
            if (err)
                return err;
        }
    if (!json_object_get(self->root, "n_trials"))
        json_object_set_new(self->root, "n_trials",
                            json_integer((json_int_t)self->settings->tune_default_trials));
    metric = json_string_value(json_object_get(self->root, "objective_metric"));
    if (!json_object_get(self->root, "objective_type"))
        json_object_set_new(self->root, "objective_type", json_string(metric));
    if (!json_object_get(self->root, "objective_params"))
        json_object_set_new(self->root, "objective_params", json_object());
    objective = json_object_get(self->root, "objective_params");
    if (!json_object_get(objective, "dd_lambda"))
        json_object_set_new(objective, "dd_lambda", json_real(DD_LAMBDA));
    return TM_OK;
}

static tm_err_t
check_objective(const tune_request_t *self, struct tune_request_error *ret)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(self->root, "objective_params"), name, value)
    {
        if (strcmp(name, "dd_lambda") != 0)
            return tune_refuse(ret, TM_INVALID_OBJECTIVE_PARAMS, "objective_params",
                               "%.60s is not known; dd_lambda is", name);
        if (!json_is_number(value) || !(json_number_value(value) >= 0) ||
            json_number_value(value) > 1000)
            return tune_refuse(ret, TM_INVALID_OBJECTIVE_PARAMS, "objective_params",
                               "dd_lambda must be a number between 0 and 1000");
    }
    return TM_OK;
}

static tm_err_t
check_dates(const tune_request_t *self, struct tune_request_error *ret)
{
    const char *from = json_string_value(json_object_get(self->root, "date_from"));
    const char *to = json_string_value(json_object_get(self->root, "date_to"));

    if (from && to && strcmp(from, to) > 0)
        return tune_refuse(ret, TM_VALIDATION_FAILED, "date_from", "is after date_to");
    return TM_OK;
}

tm_err_t
tune_request_finish(tune_request_t *self, struct tune_request_error *ret_error)
{
    tm_err_t err = fill_defaults(self, ret_error);

    if (!err && !tune_request_strategy_id(self))
        err = tune_refuse(ret_error, TM_VALIDATION_FAILED, "strategy_entity_id", "is missing");
    if (!err && !json_object_get(self->root, "dataset_sha256"))
        err = tune_refuse(ret_error, TM_VALIDATION_FAILED, "file", "is missing");
    if (!err)
        err = check_strategy(self, ret_error);
    if (!err)
        err = check_objective(self, ret_error);
    return err ? err : check_dates(self, ret_error);
}

/* Keys are sorted, but for those of the strategy: the order of its params and indicators has a
 * meaning. */
char *
tune_request_body(const tune_request_t *self)
{
    tm_auto(json) fields = json_copy(self->root);
    tm_auto(json) body = NULL;
    tm_auto(tm_text) text = NULL;

    json_object_del(fields, "strategy");
    text = json_dumps(fields, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(17));
    body = text ? json_loads(text, 0, NULL) : NULL;
    if (json_object_get(self->root, "strategy"))
        json_object_set(body, "strategy", json_object_get(self->root, "strategy"));
    return json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(17));
}

/* Numbers become text with 10 decimals, so that 1, 1.0 and 1e0 are the same request. */
static json_t *
normalised(json_t *value)
{
    char text[400];
    const char *name;
    size_t index;
    json_t *item, *copy;

    if (json_is_number(value)) {
        snprintf(text, sizeof(text), "%.10f", json_number_value(value));
        return json_string(text);
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, index, item) json_array_append_new(copy, normalised(item));
        return copy;
    }
    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach(value, name, item)
            json_object_set_new(copy, name, normalised(item));
        return copy;
    }
    return json_copy(value);
}

void
tune_request_hash(const tune_request_t *self, uint8_t out[32])
{
    tm_auto(json) shaping = json_copy(self->root);
    tm_auto(json) canonical = NULL;
    tm_auto(tm_text) text = NULL;

    json_object_del(shaping, "strategy");
    json_object_del(shaping, "filename");
    canonical = normalised(shaping);
    text = json_dumps(canonical, JSON_SORT_KEYS | JSON_COMPACT);
    digest_of(text, strlen(text), out);
}

const char *
tune_request_strategy_id(const tune_request_t *self)
{
    return json_string_value(json_object_get(self->root, "strategy_entity_id"));
}

/* --- reading a body ----------------------------------------------------------------------- */

/* Every value is checked as if a form had sent it: a producer over ZeroMQ writes its body
 * itself. */
static tm_err_t
recheck(const json_t *root, tune_request_t *request, struct tune_request_error *ret)
{
    const tune_field_t *field;

    for (size_t i = 0; (field = tune_field_at(i)); i++) {
        const json_t *value = json_object_get(root, field->name);
        tm_auto(tm_text) text = NULL;
        tm_err_t err;

        if (!value || json_is_null(value))
            continue;
        text = json_is_string(value)
                   ? strdup(json_string_value(value))
                   : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
        if (!text)
            return TM_NO_MEMORY;
        err = tune_request_set(request, field->name, text, strlen(text), ret);
        if (err)
            return err;
    }
    return TM_OK;
}

static double
number(const json_t *root, const char *name, double absent)
{
    const json_t *value = json_object_get(root, name);

    return json_is_number(value) ? json_number_value(value) : absent;
}

static void
copy_text(const json_t *root, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(root, name));

    snprintf(out, size, "%s", text ? text : "");
}

static void
read_spec(json_t *root, struct tune_spec *ret)
{
    const char *from = json_string_value(json_object_get(root, "date_from"));
    const char *to = json_string_value(json_object_get(root, "date_to"));
    const json_t *objective = json_object_get(root, "objective_params");

    copy_text(root, "strategy_entity_id", ret->strategy_entity_id,
              sizeof(ret->strategy_entity_id));
    copy_text(root, "search_type", ret->search_type, sizeof(ret->search_type));
    copy_text(root, "objective_metric", ret->objective_metric, sizeof(ret->objective_metric));
    copy_text(root, "objective_type", ret->objective_type, sizeof(ret->objective_type));
    ret->n_trials = (uint32_t)number(root, "n_trials", 0);
    ret->has_seed = json_object_get(root, "seed") != NULL;
    ret->seed = (uint64_t)json_integer_value(json_object_get(root, "seed"));
    ret->min_trades = (uint32_t)number(root, "min_trades", 0);
    ret->initial_cash = number(root, "initial_cash", NAN);
    ret->commission_bps = number(root, "commission_bps", NAN);
    ret->slippage_bps = number(root, "slippage_bps", NAN);
    ret->oos_ratio = number(root, "oos_ratio", NAN);
    ret->dd_lambda = number(objective, "dd_lambda", DD_LAMBDA);
    ret->param_space = json_object_get(root, "param_space");
    ret->strategy = json_object_get(root, "strategy");
    ret->date_from_ms = INT64_MIN;
    ret->date_to_ms = INT64_MAX;
    if (from && !tune_date_parse(from, &ret->date_from_ms))
        ret->date_from_ms = INT64_MIN;
    if (to && tune_date_parse(to, &ret->date_to_ms))
        ret->date_to_ms += DAY_MS - 1;
}

static tm_err_t
read_dataset(const json_t *root, tune_request_t *request, struct tune_spec *ret,
             struct tune_request_error *ret_error)
{
    const char *sha256 = json_string_value(json_object_get(root, "dataset_sha256"));
    double size = number(root, "dataset_size", 0);

    if (!sha256 || strlen(sha256) != SHA256_TEXT - 1 ||
        !hex_parse(sha256, ret->dataset_sha256, 32))
        return tune_refuse(ret_error, TM_BAD_REQUEST, "dataset_sha256",
                           "is not 64 hexadecimal digits");
    if (!(size >= 1 && size <= UINT32_MAX))
        return tune_refuse(ret_error, TM_BAD_REQUEST, "dataset_size", "is not a size in bytes");
    ret->dataset_size = (uint64_t)size;
    tune_request_set_dataset(request, ret->dataset_sha256, ret->dataset_size, NULL);
    return TM_OK;
}

tm_err_t
tune_spec_parse(const char *body, size_t size, struct tune_spec *ret,
                struct tune_request_error *ret_error)
{
    settings_t limits = {.tune_max_trials = 100000000, .tune_default_trials = 50};
    tune_request_t *request;
    json_error_t error;
    tm_auto(json) root = NULL;
    tm_err_t err;

    memset(ret, 0, sizeof(*ret));
    if (tune_json_depth(body, size) <= BODY_DEPTH_MAX)
        root = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root))
        return tune_refuse(ret_error, TM_BAD_REQUEST, "", "the body is not a JSON object");
    request = tune_request_new(&limits);
    err = recheck(root, request, ret_error);
    if (!err)
        err = read_dataset(root, request, ret, ret_error);
    if (!err && json_object_get(root, "strategy")) {
        json_t *strategy = json_incref(json_object_get(root, "strategy"));
        err = tune_request_set_strategy(request, &strategy, ret_error);
    }
    if (!err)
        err = tune_request_finish(request, ret_error);
    if (!err) {
        ret->root = json_incref(request->root);
        read_spec(ret->root, ret);
    }
    tune_request_destroy(&request);
    return err;
}

void
tune_spec_fini(struct tune_spec *self)
{
    json_decref(self->root);
    memset(self, 0, sizeof(*self));
}
