/* The match runs that found too little, for those who work them off:
 * GET /admin/coverage/weak and PATCH /admin/coverage/weak/{id}.
 *
 * The list is in the order of priority, from 0 to 1: 0.5 less the best score, 0.2 if none is
 * above the threshold, 0.15 for NO_RESULTS (NO_MATCHES), 0.1 for NO_RESULTS_ABOVE_THRESHOLD
 * (NO_STRONG_MATCHES), and 0.05 in the first 24 hours. The last is added whenever the list is
 * read, all else is kept with the run.
 *
 * A run is open, acknowledged or resolved, and may become any of these; what it is already it
 * stays, without an event. Resolved needs a candidate of the run, or a note
 * (RESOLUTION_NEEDS_EVIDENCE). Back to a status before, the note of the later one goes. Who has
 * the admin token is "admin"; "system" is a match run that fits (match_runs.c).
 */
#include "actors/http/core/answer.h"
#include "actors/http/core/body.h"
#include "actors/http/core/dispatch.h"
#include "actors/http/core/sql.h"
#include "actors/http/coverage/routes.def"
#include "actors/http/coverage/statements.def"
#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"

#define NOTE_MAX 1000
#define WHO      "admin" /* one token: whoever has it */

/* --- the list ----------------------------------------------------------------------------- */

static void
on_weak_runs(void *arg, const struct pg_outcome *outcome)
{
    sql_answer_row(arg, outcome, TM_INTERNAL); /* it has one */
}

void
coverage_weak(request_t *request)
{
    const struct query *query = request_query(request);
    pg_unit_t *unit;

    if (!dispatch_need_workspace(request))
        return;
    unit = sql_in_workspace(request, STMT_WEAK_RUNS);
    pg_text(unit, query->has_coverage_status ? query->coverage_status.text : "open");
    pg_i64(unit, query->limit);
    pg_text(unit, query->has_since ? query->since.text : NULL);
    pg_bool(unit, query->include_candidate_cards);
    pg_send(&unit, on_weak_runs, request_ref(request));
}

/* --- one run ------------------------------------------------------------------------------ */

static void
refuse_triage(request_t *request, const struct pg_outcome *outcome)
{
    struct problem problem = {0};

    if (outcome->err == TM_RESOLUTION_NEEDS_EVIDENCE)
        problem_add(&problem, outcome->err, "body.note", "%s", outcome->message);
    else
        problem_init(&problem, outcome->err, "%s", "");
    answer_problem(request, &problem);
}

static void
on_triaged(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;

    if (outcome->err)
        refuse_triage(request, outcome);
    else
        sql_answer_json(request, outcome);
    request_unref(&request);
}

static void
triage_run(request_t *request, const char *status, const char *note)
{
    const struct workspace *workspace = request_workspace(request);
    pg_unit_t *unit = sql_unit(request, STMT_WEAK_RUN_TRIAGE);
    char id[TM_UUID_TEXT];

    log_info("coverage.triage", "run=%s status=%s",
             tm_uuid_text(request_id_in_path(request), id), status);
    pg_uuid(unit, workspace->is_known ? &workspace->id : NULL);
    pg_uuid(unit, request_id_in_path(request));
    pg_text(unit, status);
    pg_text(unit, note);
    pg_text(unit, WHO);
    pg_send(&unit, on_triaged, request_ref(request));
}

struct triage_asked {
    const char *status, *note;
};

static const field_t triage_rows[] = {
    {FIELD_IS_CHOICE("status", "open acknowledged resolved"), .flags = FIELD_REQUIRED,
     FIELD_AT(struct triage_asked, status)},
    {FIELD_IS_TEXT("note", 0, NOTE_MAX), .flags = FIELD_CHARACTERS,
     FIELD_AT(struct triage_asked, note)},
};
static const struct fields triage_fields = FIELDS_OF(triage_rows);

void
coverage_triage(request_t *request)
{
    struct triage_asked asked = {NULL, NULL};
    struct problem problem = {0};
    tm_auto(json) body = body_json(request, &problem);

    if (!body || !json_body_fields(body, &triage_fields, &asked, &problem))
        answer_problem(request, &problem);
    else
        triage_run(request, asked.status, asked.note);
}
