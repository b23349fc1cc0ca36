#include "actors/kit/contracts/tune_field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/contracts/tune_request.def"
#include "actors/kit/contracts/tune_spec.h"

#define IN_TUNE     TUNE_FORM
#define IN_BACKTEST BACKTEST_FORM
#define IN_BOTH     (TUNE_FORM | BACKTEST_FORM)

static const field_t objective_rows[] = {{FIELD_IS("dd_lambda", NUMBER), .standard = "0.02",
                                          .max = 1000, .err = TM_INVALID_OBJECTIVE_PARAMS,
                                          .help = "weight of the drawdown penalty",
                                          .size = sizeof(double)}};
const struct fields tune_objective_params_fields = FIELDS_OF(objective_rows);

static const field_t gate_rows[] = {
    {FIELD_IS_NUMBER("max_drawdown_pct", 0, TUNE_GATE_OFF_DRAWDOWN_PCT),
     .help = "a trial that fell further is skipped; null: none is",
     FIELD_AT(struct tune_gates, max_drawdown_pct)},
    {FIELD_IS_INT("min_trades", 0, 1000000),
     .help = "a trial with fewer trades is skipped; null: none is",
     FIELD_AT(struct tune_gates, min_trades)}};
const struct fields tune_gates_fields = FIELDS_OF(gate_rows);

#define ROW(name_, KIND, choices_, standard_, min_, max_, most_, err_, FORMS, doc)        \
    .name = #name_, .kind = FIELD_##KIND, .choices = (choices_), .standard = (standard_), \
    .min = (min_), .max = (max_), .most = (most_), .err = TM_##err_, .help = (doc)

static const field_t rows[] = {
#define T(name, member, KIND, choices, standard, min, max, most, err, FORMS, doc)              \
    {ROW(name, KIND, choices, standard, min, max, most, err, FORMS, doc), .flags = IN_##FORMS, \
     FIELD_AT(struct tune_spec, member)},
#define N(name, member, KIND, choices, standard, min, max, most, err, FORMS, doc)              \
    {ROW(name, KIND, choices, standard, min, max, most, err, FORMS, doc), .flags = IN_##FORMS, \
     .members = &tune_##name##_fields, FIELD_AT(struct tune_spec, member)},
    TUNE_FIELDS(T, N)
#undef T
#undef N
#define T(name, member, KIND, choices, standard, min, max, most, err, FORMS, doc) \
    {ROW(name, KIND, choices, standard, min, max, most, err, FORMS, doc),         \
     .flags = IN_##FORMS | FIELD_ELSEWHERE},
        TUNE_FORM_FIELDS(T)
#undef T
};
const struct fields tune_fields = FIELDS_OF(rows);

void
tune_field_limited(const field_t *row, const settings_t *settings, struct tune_limited *ret)
{
    ret->row = *row;
    if (!settings || strcmp(row->name, "n_trials") != 0)
        return;
    if ((double)settings->tune_max_trials < ret->row.max)
        ret->row.max = (double)settings->tune_max_trials;
    snprintf(ret->standard, sizeof(ret->standard), "%lld",
             (long long)settings->tune_default_trials);
    ret->row.standard = ret->standard;
}

static void
add_limits(json_t *all, const field_t *row)
{
    const bool is_number = row->kind == FIELD_INT || row->kind == FIELD_NUMBER;
    json_t *limits = json_object();

    if (is_number) {
        json_object_set_new(limits, "min", json_real(row->min));
        json_object_set_new(limits, "max", json_real(row->max));
    }
    if (row->standard && row->kind != FIELD_OBJECT)
        json_object_set_new(limits, "default",
                            is_number ? json_real(strtod(row->standard, NULL))
                                      : json_string(row->standard));
    if (json_object_size(limits))
        json_object_set(all, row->name, limits);
    json_decref(limits);
}

/* A gate's default is the server's. */
static void
add_gate(json_t *all, const field_t *row, double standard)
{
    char name[64];

    snprintf(name, sizeof(name), "gates.%s", row->name);
    json_object_set_new(
        all, name,
        json_pack("{s:f, s:f, s:f}", "min", row->min, "max", row->max, "default", standard));
}

json_t *
tune_fields_limits(const settings_t *settings)
{
    json_t *all = json_object();

    for (size_t i = 0; i < tune_fields.count; i++) {
        struct tune_limited limited;

        tune_field_limited(&rows[i], settings, &limited);
        add_limits(all, &limited.row);
    }
    add_limits(all, &objective_rows[0]);
    add_gate(all, &gate_rows[0], settings->tune_gate_max_drawdown_pct);
    add_gate(all, &gate_rows[1], (double)settings->tune_gate_min_trades);
    return all;
}
