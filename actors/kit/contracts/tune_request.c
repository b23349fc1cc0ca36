#include "actors/kit/contracts/tune_request.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/digest.h"
#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/contracts/tune_grid.h"
#include "actors/kit/contracts/tune_space.h"
#include "actors/kit/fields/dates.h"
#include "actors/kit/fields/json_text.h"

/* file names longer than this are cut; bodies nest no deeper than that */
enum { FILENAME_MAX_BYTES = 255, BODY_DEPTH_MAX = 32 };

#define DAY_MS INT64_C(86400000)

struct tune_request {
    const settings_t *settings; /* NULL: the table's own limits */
    unsigned form;              /* TUNE_FORM or BACKTEST_FORM */
    json_t *root;               /* the body being made */
};

static tune_request_t *
new_request(const settings_t *settings, unsigned form)
{
    tune_request_t *self = zmalloc(sizeof(*self));

    self->settings = settings;
    self->form = form;
    self->root = json_object();
    return self;
}

tune_request_t *
tune_request_new(const settings_t *settings)
{
    return new_request(settings, TUNE_FORM);
}

tune_request_t *
tune_request_new_backtest(const settings_t *settings)
{
    return new_request(settings, BACKTEST_FORM);
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

/* From text, or from JSON where that is NULL. */
static tm_err_t
take_value(tune_request_t *self, const field_t *row, tm_str_t text, json_t *json,
           struct tune_request_error *ret)
{
    struct tune_limited limited;
    char why[FIELD_WHY];
    struct field_value value;
    tm_err_t err;

    tune_field_limited(row, self->settings, &limited);
    err = text.data ? field_from_text(&limited.row, text.data, text.size, &value, why)
                    : field_from_json(&limited.row, json, &value, why);
    if (err)
        return tune_refuse(ret, err, row->name, "%s", why);
    if (json_object_set_new(self->root, row->name, field_json(row, &value)))
        err = TM_NO_MEMORY;
    if (text.data && (row->kind == FIELD_OBJECT || row->kind == FIELD_LIST))
        json_decref(value.json);
    return err;
}

tm_err_t
tune_request_set(tune_request_t *self, const char *name, const char *value, size_t size,
                 struct tune_request_error *ret_error)
{
    const field_t *row = fields_find(&tune_fields, self->form, name);
    char why[FIELD_WHY];

    if (!row) {
        fields_unknown(&tune_fields, self->form, name, why);
        return tune_refuse(ret_error, TM_UNKNOWN_FIELD, name, "%s", why);
    }
    if (row->flags & FIELD_ELSEWHERE)
        return TM_OK;
    if (size == 0) { /* an input of a form that was left empty */
        json_object_del(self->root, name);
        return TM_OK;
    }
    return take_value(self, row, (tm_str_t){value, size}, NULL, ret_error);
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
    json_t *params = json_object_get(strategy, "params");

    /* a back-test needs none; and what was accepted may be one */
    if (strategy && self->form == TUNE_FORM && self->settings && json_object_size(params) == 0)
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

static bool
is_grid(const tune_request_t *self)
{
    const char *search = json_string_value(json_object_get(self->root, "search_type"));

    return search && strcmp(search, "grid") == 0;
}

/* A grid without n_trials is all of its points: see check_points. */
static bool
has_default(const tune_request_t *self, const field_t *row)
{
    return row->standard && !(row->flags & FIELD_ELSEWHERE) &&
           !(is_grid(self) && strcmp(row->name, "n_trials") == 0);
}

static tm_err_t
fill_defaults(tune_request_t *self, struct tune_request_error *ret)
{
    json_t *objective;

    for (size_t i = 0; i < tune_fields.count; i++) {
        const field_t *row = &tune_fields.rows[i];
        struct tune_limited limited;
        tm_err_t err;

        tune_field_limited(row, self->settings, &limited);
        if (!has_default(self, &limited.row) || json_object_get(self->root, row->name))
            continue;
        err = take_value(self, row, tm_str(limited.row.standard), NULL, ret);
        if (err)
            return err;
    }
    if (!json_object_get(self->root, "objective_type"))
        json_object_set(self->root, "objective_type",
                        json_object_get(self->root, "objective_metric"));
    if (!json_object_get(self->root, "objective_params"))
        json_object_set_new(self->root, "objective_params", json_object());
    objective = json_object_get(self->root, "objective_params");
    if (!json_object_get(objective, tune_objective_params_fields.rows[0].name))
        json_object_set_new(
            objective, tune_objective_params_fields.rows[0].name,
            json_real(strtod(tune_objective_params_fields.rows[0].standard, NULL)));
    return TM_OK;
}

/* The members of an object that has a table of its own. */
static tm_err_t
check_members(const tune_request_t *self, const char *name, const struct fields *members,
              struct tune_request_error *ret)
{
    struct fields_first first = {.err = TM_OK};

    fields_read(members, json_object_get(self->root, name), NULL, fields_tell_first, &first);
    return first.err ? tune_refuse(ret, field_err(fields_find(&tune_fields, FIELDS_ALL, name)),
                                   name, "%.60s: %s", first.name, first.why)
                     : TM_OK;
}

/* What they mean is for the engine to say, which knows expressions. */
static tm_err_t
check_constraints(const tune_request_t *self, struct tune_request_error *ret)
{
    const field_t *row = fields_find(&tune_fields, FIELDS_ALL, "constraints");
    const json_t *list = json_object_get(self->root, row->name);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const size_t size = json_string_length(json_array_get(list, i));

        if (size < (size_t)row->min || size > (size_t)row->max)
            return tune_refuse(ret, row->err, row->name,
                               "[%zu]: is not a text of %.0f to %.0f "
                               "bytes",
                               i, row->min, row->max);
    }
    return TM_OK;
}

/* Every range of the space can be laid out, and a grid's points are as many trials. Where the
 * body has no strategy the worker looks it up, and counts. */
static tm_err_t
check_points(tune_request_t *self, struct tune_request_error *ret)
{
    json_t *params = json_object_get(json_object_get(self->root, "strategy"), "params");
    json_t *asked = json_object_get(self->root, "n_trials");
    struct tune_limited trials;
    uint64_t points = 0;
    tm_err_t err;

    if (self->form != TUNE_FORM || !self->settings || !params)
        return TM_OK;
    err = tune_grid_count(json_object_get(self->root, "param_space"), params, is_grid(self),
                          &points, ret);
    if (err || !is_grid(self) || points == 0 || json_object_get(self->root, "constraints"))
        return err; /* of which points are left, the worker counts */
    tune_field_limited(fields_find(&tune_fields, TUNE_FORM, "n_trials"), self->settings,
                       &trials);
    err = tune_grid_check(points, (uint64_t)json_integer_value(asked), (uint64_t)trials.row.max,
                          ret);
    if (!err && !asked)
        json_object_set_new(self->root, "n_trials", json_integer((json_int_t)points));
    return err;
}

static tm_err_t
check_dates(const tune_request_t *self, struct tune_request_error *ret)
{
    const char *from = json_string_value(json_object_get(self->root, "date_from"));
    const char *to = json_string_value(json_object_get(self->root, "date_to"));

    struct dates_moment first, last;

    /* what only the exchange's calendar can compare finds no bars between them */
    if (from && to && dates_moment(from, &first) && dates_moment(to, &last) &&
        first.is_utc == last.is_utc && first.ms > last.ms)
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
        err = check_constraints(self, ret_error);
    if (!err)
        err = check_points(self, ret_error);
    if (!err)
        err = check_members(self, "objective_params", &tune_objective_params_fields, ret_error);
    if (!err)
        err = check_members(self, "gates", &tune_gates_fields, ret_error);
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
    text = json_text_of(fields, JSON_SORT_KEYS | JSON_COMPACT);
    body = text ? json_loads(text, 0, NULL) : NULL;
    if (json_object_get(self->root, "strategy"))
        json_object_set(body, "strategy", json_object_get(self->root, "strategy"));
    return json_text_of(body, JSON_COMPACT);
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

/* Fields that came later are hashed where they are not at their default: what was asked for
 * before they were there keeps its hash, and clients' keys are remembered for a week. */
static void
drop_later_defaults(json_t *shaping)
{
    static const char *const later[] = {"fill", "end_of_data", "sizing", "allow_dropped_pct"};

    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        const field_t *row = fields_find(&tune_fields, FIELDS_ALL, later[i]);
        const json_t *value = json_object_get(shaping, later[i]);
        const bool is_default = json_is_string(value)
                                    ? strcmp(json_string_value(value), row->standard) == 0
                                    : json_is_number(value) && json_number_value(value) ==
                                                                   strtod(row->standard, NULL);

        if (is_default)
            json_object_del(shaping, later[i]);
    }
}

void
tune_request_hash(const tune_request_t *self, uint8_t out[32])
{
    tm_auto(json) shaping = json_copy(self->root);
    tm_auto(json) canonical = NULL;
    tm_auto(tm_text) text = NULL;

    json_object_del(shaping, "strategy");
    json_object_del(shaping, "filename");
    drop_later_defaults(shaping);
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

/* A producer over ZeroMQ writes its body itself. */
static tm_err_t
take_values(tune_request_t *self, const json_t *root, struct tune_request_error *ret)
{
    for (size_t i = 0; i < tune_fields.count; i++) {
        const field_t *row = &tune_fields.rows[i];
        json_t *value = json_object_get(root, row->name);
        tm_err_t err = TM_OK;

        if (value && !json_is_null(value) && !(row->flags & FIELD_ELSEWHERE))
            err = take_value(self, row, (tm_str_t){NULL, 0}, value, ret);
        if (err)
            return err;
    }
    return TM_OK;
}

static void
read_dates(struct tune_spec *ret)
{
    struct dates_moment moment;

    ret->date_from_ms = INT64_MIN;
    ret->date_to_ms = INT64_MAX;
    if (dates_moment(ret->date_from, &moment)) {
        ret->date_from_ms = moment.ms;
        ret->is_date_from_utc = moment.is_utc;
    }
    if (dates_moment(ret->date_to, &moment)) {
        ret->date_to_ms = moment.ms + (moment.is_day ? DAY_MS - 1 : 0);
        ret->is_date_to_utc = moment.is_utc;
    }
}

/* Every value was checked when it was taken. */
static void
read_spec(json_t *root, struct tune_spec *ret)
{
    struct fields_first unused = {.err = TM_OK};

    ret->oos_ratio = ret->gates.max_drawdown_pct = NAN;
    ret->gates.min_trades = -1;
    fields_read_known(&tune_fields, root, ret, fields_tell_first, &unused);
    if (json_is_null(json_object_get(json_object_get(root, "gates"), "max_drawdown_pct")))
        ret->gates.max_drawdown_pct = TUNE_GATE_OFF_DRAWDOWN_PCT;
    if (json_is_null(json_object_get(json_object_get(root, "gates"), "min_trades")))
        ret->gates.min_trades = 0;
    ret->strategy = json_object_get(root, "strategy");
    read_dates(ret);
}

static tm_err_t
read_dataset(const json_t *root, tune_request_t *request, struct tune_spec *ret,
             struct tune_request_error *ret_error)
{
    const char *sha256 = json_string_value(json_object_get(root, "dataset_sha256"));
    double size = json_number_value(json_object_get(root, "dataset_size"));

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
tune_spec_parse(const char *body, size_t size, const settings_t *settings,
                struct tune_spec *ret, struct tune_request_error *ret_error)
{
    tm_auto(json) root = json_text_object(body, size, BODY_DEPTH_MAX, NULL);
    tune_request_t *request;
    tm_err_t err;

    memset(ret, 0, sizeof(*ret));
    if (!root)
        return tune_refuse(ret_error, TM_BAD_REQUEST, "", "the body is not a JSON object");
    request = tune_request_new(settings);
    err = take_values(request, root, ret_error);
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
