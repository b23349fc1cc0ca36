#include "actors/http/explain_match.h"

#include "actors/http/explain_match_text.h"
#include "actors/http/explanation.h"
#include "actors/http/json_body.h"
#include "actors/http/request.h"
#include "actors/kit/auto.h"

enum { COLUMN_RUN, COLUMN_STRATEGY, COLUMN_NAME, COLUMN_FACTS };

/* What was asked for. */
struct asked {
    tm_uuid_t run, strategy;
    enum explain_verbosity verbosity;
};

static void
explain(explanation_t *self, const PGresult *row)
{
    const char *facts = pg_get(row, 0, COLUMN_FACTS);

    self->strategy_name = strdup(pg_get(row, 0, COLUMN_NAME));
    self->question.facts = json_loads(facts, 0, NULL);
    if (self->question.facts) {
        self->text = explain_match_text(self->question.facts, self->question.verbosity);
        explain_match_qualifier(self->question.facts, self->qualifier, sizeof(self->qualifier));
    }
    explanation_give(self);
}

static void
on_facts(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *row = outcome->err ? NULL : outcome->results[1];

    if (outcome->err)
        request_fail(request, outcome->err, "");
    else if (PQntuples(outcome->results[0]) == 0)
        request_fail(request, TM_WORKSPACE_NOT_FOUND, "");
    else if (!pg_get(row, 0, COLUMN_RUN))
        request_fail(request, TM_MATCH_RUN_NOT_FOUND, "");
    else if (!pg_get(row, 0, COLUMN_STRATEGY))
        request_fail(request, TM_STRATEGY_NOT_FOUND, "");
    else if (!request_is_gone(request))
        explain(request_state(request), row);
    request_unref(&request);
}

static void
read_facts(request_t *request, const struct asked *asked)
{
    pg_unit_t *unit = pg_unit_new(request_bridge(request)->pg);

    pg_add(unit, STMT_WORKSPACE_KNOWN);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_add(unit, STMT_MATCH_FACTS);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_uuid(unit, &asked->run);
    pg_uuid(unit, &asked->strategy);
    pg_send(&unit, on_facts, request_ref(request));
}

/* --- what was asked ----------------------------------------------------------------------- */

static void
read_id(const json_t *body, const char *name, tm_uuid_t *ret, struct problem *problem)
{
    const char *text = json_string_value(json_object_get(body, name));
    char loc[32];

    snprintf(loc, sizeof(loc), "body.%s", name);
    if (!text || tm_uuid_parse(text, strlen(text), ret))
        problem_add(problem, TM_VALIDATION_FAILED, loc, "must be a UUID");
}

static struct asked
read_body(request_t *request, struct problem *problem)
{
    const char *type = request_header(request, "Content-Type");
    struct asked asked = {.verbosity = EXPLAIN_SHORT};
    size_t size;
    const char *text = request_text(request, &size);
    tm_auto(json) body = json_body_read(type, text, size, problem);

    if (!body)
        return asked;
    read_id(body, "run_id", &asked.run, problem);
    read_id(body, "strategy_id", &asked.strategy, problem);
    asked.verbosity =
        explanation_verbosity(request, json_object_get(body, "verbosity"), problem);
    return asked;
}

void
explain_match(request_t *request)
{
    struct problem problem = {0};
    struct asked asked;
    explanation_t *self;

    if (!request_need_workspace(request))
        return;
    asked = read_body(request, &problem);
    if (problem.err) {
        request_problem(request, &problem);
        return;
    }
    self = explanation_start(request, EXPLAIN_MATCH, asked.verbosity);
    self->run = self->question.subject = asked.run;
    self->strategy = self->question.strategy = asked.strategy;
    read_facts(request, &asked);
}
