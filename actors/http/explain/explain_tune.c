#include "actors/http/explain/explain_tune.h"

#include "actors/http/explain/explain_tune_text.h"
#include "actors/http/explain/explanation.h"
#include "actors/http/core/json_body.h"
#include "actors/http/core/request.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"

enum { COLUMN_STATUS, COLUMN_RUN, COLUMN_STRATEGY, COLUMN_NAME, COLUMN_FACTS };

static char *
copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static void
explain(explanation_t *self, const PGresult *row)
{
    const char *facts = pg_get(row, 0, COLUMN_FACTS);

    self->run = pg_get_uuid(row, 0, COLUMN_RUN);
    self->strategy = pg_get_uuid(row, 0, COLUMN_STRATEGY);
    self->strategy_name = copy(pg_get(row, 0, COLUMN_NAME));
    self->question.subject = *request_id_in_path(self->request);
    self->question.facts = facts ? json_loads(facts, 0, NULL) : NULL;
    if (self->question.facts) {
        self->text = explain_tune_text(self->question.facts, self->question.verbosity);
        explain_tune_qualifier(self->question.facts, self->qualifier, sizeof(self->qualifier));
    }
    explanation_give(self);
}

static void
refuse(request_t *request, const char *status)
{
    const bool is_over = strcmp(status, "queued") != 0 && strcmp(status, "running") != 0;
    char detail[120];

    snprintf(detail, sizeof(detail),
             is_over ? "the tune is %s: there is no winner to explain"
                     : "the tune is %s: ask again when it has completed",
             status);
    request_fail(request, TM_TUNE_NOT_COMPLETED, detail);
}

static void
on_facts(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *row = request_rows(request, outcome, TM_TUNE_NOT_FOUND);

    if (row && strcmp(pg_get(row, 0, COLUMN_STATUS), "completed") != 0)
        refuse(request, pg_get(row, 0, COLUMN_STATUS));
    else if (row && !request_is_gone(request))
        explain(request_state(request), row);
    request_unref(&request);
}

static void
read_facts(request_t *request)
{
    pg_unit_t *unit = pg_unit_new(request_bridge(request)->pg);

    pg_add(unit, STMT_WORKSPACE_KNOWN);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_add(unit, STMT_TUNE_FACTS);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_uuid(unit, request_id_in_path(request));
    pg_send(&unit, on_facts, request_ref(request));
}

struct asked {
    const char *verbosity;
};

static const field_t rows[] = {
    {FIELD_IS_CHOICE("verbosity", "short detailed"), FIELD_AT(struct asked, verbosity)}};
static const struct fields table = FIELDS_OF(rows);

/* A body is not needed. */
static enum explain_verbosity
read_body(request_t *request, struct problem *problem)
{
    struct asked asked = {NULL};
    size_t size;
    const char *text = request_text(request, &size), *type;
    tm_auto(json) body = NULL;

    type = request_header(request, "Content-Type");
    if (size > 0)
        body = json_body_or_form(type, text, size, problem);
    if (body)
        json_body_fields(body, &table, &asked, problem);
    return explanation_verbosity(request, asked.verbosity, problem);
}

void
explain_tune(request_t *request)
{
    struct problem problem = {0};
    enum explain_verbosity verbosity = read_body(request, &problem);

    if (problem.err) {
        request_problem(request, &problem);
        return;
    }
    explanation_start(request, EXPLAIN_TUNE, verbosity);
    read_facts(request);
}
