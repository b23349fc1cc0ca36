#include "actors/http/intake/tune_fields.h"

#include <stdio.h>
#include <string.h>

static void
read_fields(const form_t *form, tune_request_t *tune, struct problem *problem)
{
    const struct form_field *field;

    for (size_t i = 0; (field = form_at(form, i)); i++) {
        struct tune_request_error error = {0};
        char loc[80];
        tm_err_t err;

        err = tune_request_set(tune, field->name, field->data, field->size, &error);
        snprintf(loc, sizeof(loc), "body.%s", field->name);
        if (err)
            problem_add(problem, err, loc, "%s", error.text[0] ? error.text : tm_err_text(err));
    }
}

static void
require(bool is_there, const char *loc, const char *what, struct problem *problem)
{
    if (!is_there)
        problem_add(problem, TM_VALIDATION_FAILED, loc, "%s", what);
}

/* What is wrong is told in this order. */
static void
read_form(const form_t *form, tune_request_t *tune, struct workspace *workspace,
          const settings_t *settings, struct problem *problem)
{
    const struct form_field *named = form_find(form, "workspace_id");

    if (named && named->size)
        workspace_say(workspace, "body.workspace_id", named->data, named->size, problem);
    workspace_settle(workspace, settings, problem);
    read_fields(form, tune, problem);
}

static void
require_file(const form_t *form, struct problem *problem)
{
    require(form_has_file(form), "body.file", "is missing: send the price data as a CSV file",
            problem);
    require(!form_has_file(form) || form_file_size(form) > 0, "body.file", "is empty", problem);
}

void
tune_fields_read_data(const form_t *form, tune_request_t *tune, struct workspace *workspace,
                      const settings_t *settings, struct problem *problem)
{
    read_form(form, tune, workspace, settings, problem);
    require_file(form, problem);
}

void
tune_fields_read(const form_t *form, tune_request_t *tune, struct workspace *workspace,
                 const settings_t *settings, struct problem *problem)
{
    const struct form_field *strategy = form_find(form, "strategy_entity_id");

    read_form(form, tune, workspace, settings, problem);
    require(strategy && strategy->size, "body.strategy_entity_id", "is missing", problem);
    require_file(form, problem);
    tune_request_set_dataset(tune, form_file_sha256(form), form_file_size(form),
                             form_file_name(form));
}

void
tune_fields_strategy(tune_request_t *tune, const char *spec, struct problem *problem)
{
    struct tune_request_error error = {0};
    json_t *json = json_loads(spec, 0, NULL);
    tm_err_t err = json ? tune_request_set_strategy(tune, &json, &error) : TM_INVALID_STRATEGY;
    char loc[80];

    if (!err)
        err = tune_request_finish(tune, &error);
    snprintf(loc, sizeof(loc), "body.%s", error.field);
    if (err)
        problem_add(problem, err, loc, "%s", error.text[0] ? error.text : tm_err_text(err));
}

static void
refuse_key(struct tune_key *self, tm_err_t err, const char *loc, const char *what)
{
    problem_add(&self->problem, err, loc, "%s", what);
    self->problem.err = err;
}

void
tune_key_say(struct tune_key *self, const char *header, const char *value)
{
    char key[IDEMPOTENCY_KEY_MAX + 1], loc[64];
    tm_err_t err = idempotency_key_parse(value, strlen(value), key);

    snprintf(loc, sizeof(loc), "header.%s", header);
    if (err == TM_IDEMPOTENCY_KEY_TOO_LONG)
        refuse_key(self, err, loc, tm_err_text(err));
    else if (err)
        refuse_key(self, err, loc,
                   "is not 1 to 200 visible ASCII characters, bare or in quotes");
    else if (self->text[0] && strcmp(self->text, key) != 0)
        refuse_key(self, TM_BAD_REQUEST, loc,
                   "names another key than before; send one idempotency key");
    else
        snprintf(self->text, sizeof(self->text), "%s", key);
}
