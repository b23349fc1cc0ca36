/* POST /backtests/tunes/{id}/explain: the winner of a tune in words.
 *
 * PostgreSQL gives the facts, one JSON object: the winner with its params and figures in and
 * out of sample, what buying and holding had given, how the trials next to it did, and what is
 * known of luck. From them come the text of explain_tune_text.h and the question to a language
 * model.
 */
#include "actors/http/core/answer.h"
#include "actors/http/core/json_body.h"
#include "actors/http/core/sql.h"
#include "actors/http/explain/explain_tune_text.h"
#include "actors/http/explain/explanation.h"
#include "actors/http/explain/routes.def"
#include "actors/http/explain/statements.def"
#include "actors/kit/util/auto.h"

enum { COLUMN_STATUS, COLUMN_RUN, COLUMN_STRATEGY, COLUMN_NAME, COLUMN_FACTS };

static void
explain_tune_facts(explanation_t *self, const PGresult *row)
{
    self->run = pg_get_uuid(row, 0, COLUMN_RUN);
    self->strategy = pg_get_uuid(row, 0, COLUMN_STRATEGY);
    self->question.subject = *request_id_in_path(self->request);
    explanation_take(self, pg_get(row, 0, COLUMN_NAME), pg_get(row, 0, COLUMN_FACTS));
    if (self->question.facts) {
        self->text = explain_tune_text(self->question.facts, self->question.verbosity);
        explain_tune_qualifier(self->question.facts, self->qualifier, sizeof(self->qualifier));
    }
    explanation_give(self);
}

static void
refuse_status(request_t *request, const char *status)
{
    const bool is_over = strcmp(status, "queued") != 0 && strcmp(status, "running") != 0;
    char detail[120];

    snprintf(detail, sizeof(detail),
             is_over ? "the tune %s: there is no winner to explain"
                     : "the tune is %s: ask again when it has completed",
             !is_over                        ? status
             : strcmp(status, "failed") == 0 ? "has failed"
                                             : "was canceled");
    answer_fail(request, TM_TUNE_NOT_COMPLETED, detail);
}

static void
on_tune_facts(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *row = sql_rows(request, outcome, TM_TUNE_NOT_FOUND);

    if (row && strcmp(pg_get(row, 0, COLUMN_STATUS), "completed") != 0)
        refuse_status(request, pg_get(row, 0, COLUMN_STATUS));
    else if (row && !request_is_gone(request))
        explain_tune_facts(request_state(request), row);
    request_unref(&request);
}

static void
read_tune_facts(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_TUNE_FACTS);

    pg_uuid(unit, request_id_in_path(request));
    pg_send(&unit, on_tune_facts, request_ref(request));
}

struct verbosity_asked {
    const char *verbosity;
};

static const field_t verbosity_rows[] = {{FIELD_IS_CHOICE("verbosity", "short detailed"),
                                          FIELD_AT(struct verbosity_asked, verbosity)}};
static const struct fields verbosity_fields = FIELDS_OF(verbosity_rows);

/* The body may be absent. */
static enum explain_verbosity
read_verbosity(request_t *request, struct problem *problem)
{
    struct verbosity_asked asked = {NULL};
    size_t size;
    const char *text = request_text(request, &size), *type;
    tm_auto(json) body = NULL;

    type = request_header(request, "Content-Type");
    if (size > 0)
        body = json_body_or_form(type, text, size, problem);
    if (body)
        json_body_fields(body, &verbosity_fields, &asked, problem);
    return explanation_verbosity(request, asked.verbosity, problem);
}

void
explain_tune(request_t *request)
{
    struct problem problem = {0};
    enum explain_verbosity verbosity = read_verbosity(request, &problem);

    if (problem.err) {
        answer_problem(request, &problem);
        return;
    }
    explanation_start(request, EXPLAIN_TUNE, verbosity);
    read_tune_facts(request);
}
