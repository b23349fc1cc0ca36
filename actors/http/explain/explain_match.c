/* POST /admin/coverage/explain: how a strategy fits what a match run looked
 * for.
 *
 * PostgreSQL gives the facts, one JSON object: what was asked for, the strategy as it is now,
 * its score and the tags that match, and its back-tests in the workspace. From them come the
 * text of explain_match_text.h, the qualifier of qualifier.h, and the question to a language
 * model. A strategy that the run did not find is explained too: its score is not known.
 */
#include "actors/http/core/answer.h"
#include "actors/http/core/body.h"
#include "actors/http/core/dispatch.h"
#include "actors/http/core/sql.h"
#include "actors/http/explain/explain_match_text.h"
#include "actors/http/explain/explanation.h"
#include "actors/http/explain/routes.def"
#include "actors/http/explain/statements.def"
#include "actors/kit/util/auto.h"

enum { COLUMN_HAS_RUN, COLUMN_HAS_STRATEGY, COLUMN_NAME, COLUMN_FACTS };

static void
explain_match_facts(explanation_t *self, const PGresult *row)
{
    explanation_take(self, pg_get(row, 0, COLUMN_NAME), pg_get(row, 0, COLUMN_FACTS));
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
on_match_facts(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *row = sql_rows(request, outcome, TM_INTERNAL); /* it has one */

    if (row && !pg_get_bool(row, 0, COLUMN_HAS_RUN))
        answer_fail(request, TM_MATCH_RUN_NOT_FOUND, "");
    else if (row && !pg_get_bool(row, 0, COLUMN_HAS_STRATEGY))
        answer_fail(request, TM_STRATEGY_NOT_FOUND, "");
    else if (row && !request_is_gone(request))
        explain_match_facts(request_state(request), row);
    request_unref(&request);
}

static void
read_match_facts(const explanation_t *self)
{
    pg_unit_t *unit = sql_in_workspace(self->request, STMT_MATCH_FACTS);

    pg_uuid(unit, &self->run);
    pg_uuid(unit, &self->strategy);
    pg_send(&unit, on_match_facts, request_ref(self->request));
}

struct match_asked {
    tm_uuid_t run, strategy;
    const char *verbosity_text;
    enum explain_verbosity verbosity;
};

static const field_t match_rows[] = {
    {FIELD_IS("run_id", UUID), .flags = FIELD_REQUIRED, FIELD_AT(struct match_asked, run)},
    {FIELD_IS("strategy_id", UUID), .flags = FIELD_REQUIRED,
     FIELD_AT(struct match_asked, strategy)},
    {FIELD_IS_CHOICE("verbosity", "short detailed"),
     FIELD_AT(struct match_asked, verbosity_text)},
};
static const struct fields match_fields = FIELDS_OF(match_rows);

static void
read_match_body(request_t *request, struct match_asked *ret, struct problem *problem)
{
    tm_auto(json) body = body_json(request, problem);

    if (body && json_body_fields(body, &match_fields, ret, problem))
        ret->verbosity = explanation_verbosity(request, ret->verbosity_text, problem);
}

void
explain_match(request_t *request)
{
    struct match_asked asked = {.verbosity = EXPLAIN_SHORT};
    struct problem problem = {0};
    explanation_t *self;

    if (!dispatch_need_workspace(request))
        return;
    read_match_body(request, &asked, &problem);
    if (problem.err) {
        answer_problem(request, &problem);
        return;
    }
    self = explanation_start(request, EXPLAIN_MATCH, asked.verbosity);
    self->run = self->question.subject = asked.run;
    self->strategy = self->question.strategy = asked.strategy;
    read_match_facts(self);
}
