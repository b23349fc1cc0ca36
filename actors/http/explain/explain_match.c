#include "actors/http/explain/explain_match.h"

#include "actors/http/explain/explain_match_text.h"
#include "actors/http/explain/explanation.h"
#include "actors/http/core/json_body.h"
#include "actors/http/core/request.h"
#include "actors/kit/util/auto.h"

enum { COLUMN_HAS_RUN, COLUMN_HAS_STRATEGY, COLUMN_NAME, COLUMN_FACTS };

static void
explain(explanation_t *self, const PGresult *row)
{
    const char *name = pg_get(row, 0, COLUMN_NAME), *facts = pg_get(row, 0, COLUMN_FACTS);

    self->strategy_name = name ? strdup(name) : NULL;
    self->question.facts = facts ? json_loads(facts, 0, NULL) : NULL;
    if (self->question.facts) {
        const struct qualifier qualifier = explain_match_qualifier(self->question.facts);

        snprintf(self->question.confidence, sizeof(self->question.confidence), "%s",
                 qualifier_word(qualifier_score(&qualifier)));
        self->text = explain_match_text(self->question.facts, self->question.verbosity);
        qualifier_text(&qualifier, self->qualifier, sizeof(self->qualifier));
    }
    explanation_give(self);
}

static void
on_facts(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *row = request_rows(request, outcome, TM_INTERNAL); /* it has one */

    if (row && !pg_get_bool(row, 0, COLUMN_HAS_RUN))
        request_fail(request, TM_MATCH_RUN_NOT_FOUND, "");
    else if (row && !pg_get_bool(row, 0, COLUMN_HAS_STRATEGY))
        request_fail(request, TM_STRATEGY_NOT_FOUND, "");
    else if (row && !request_is_gone(request))
        explain(request_state(request), row);
    request_unref(&request);
}

static void
read_facts(const explanation_t *self)
{
    pg_unit_t *unit = pg_unit_new(request_bridge(self->request)->pg);

    pg_add(unit, STMT_WORKSPACE_KNOWN);
    pg_uuid(unit, &self->question.workspace);
    pg_add(unit, STMT_MATCH_FACTS);
    pg_uuid(unit, &self->question.workspace);
    pg_uuid(unit, &self->run);
    pg_uuid(unit, &self->strategy);
    pg_send(&unit, on_facts, request_ref(self->request));
}

struct asked {
    tm_uuid_t run, strategy;
    const char *verbosity_text;
    enum explain_verbosity verbosity;
};

static const field_t rows[] = {
    {FIELD_IS("run_id", UUID), .flags = FIELD_REQUIRED, FIELD_AT(struct asked, run)},
    {FIELD_IS("strategy_id", UUID), .flags = FIELD_REQUIRED, FIELD_AT(struct asked, strategy)},
    {FIELD_IS_CHOICE("verbosity", "short detailed"), FIELD_AT(struct asked, verbosity_text)},
};
static const struct fields table = FIELDS_OF(rows);

static void
read_body(request_t *request, struct asked *ret, struct problem *problem)
{
    size_t size;
    const char *text = request_text(request, &size);
    tm_auto(json) body =
        json_body_read(request_header(request, "Content-Type"), text, size, problem);

    if (body && json_body_fields(body, &table, ret, problem))
        ret->verbosity = explanation_verbosity(request, ret->verbosity_text, problem);
}

void
explain_match(request_t *request)
{
    struct asked asked = {.verbosity = EXPLAIN_SHORT};
    struct problem problem = {0};
    explanation_t *self;

    if (!request_need_workspace(request))
        return;
    read_body(request, &asked, &problem);
    if (problem.err) {
        request_problem(request, &problem);
        return;
    }
    self = explanation_start(request, EXPLAIN_MATCH, asked.verbosity);
    self->run = self->question.subject = asked.run;
    self->strategy = self->question.strategy = asked.strategy;
    read_facts(self);
}
