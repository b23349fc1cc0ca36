#include "actors/http/coverage/coverage.h"

#include "actors/http/core/json_body.h"
#include "actors/http/core/request.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"

#define NOTE_MAX 1000
#define WHO      "admin" /* one token: whoever has it */

/* --- the list ----------------------------------------------------------------------------- */

static void
on_list(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *rows = request_rows(request, outcome, TM_INTERNAL); /* it has one */
    char *text = rows ? tm_str_dup(tm_str(pg_get(rows, 0, 0))) : NULL;

    if (text)
        request_reply(request, MHD_HTTP_OK, JSON_TYPE, &text, strlen(text));
    request_unref(&request);
}

void
coverage_weak(request_t *request)
{
    const struct query *query = request_query(request);
    pg_unit_t *unit;

    if (!request_need_workspace(request))
        return;
    unit = pg_unit_new(request_bridge(request)->pg);
    pg_add(unit, STMT_WORKSPACE_KNOWN);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_add(unit, STMT_WEAK_RUNS);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_text(unit, query->has_coverage_status ? query->coverage_status.text : "open");
    pg_i64(unit, query->limit);
    pg_text(unit, query->has_since ? query->since.text : NULL);
    pg_bool(unit, query->include_candidate_cards);
    pg_send(&unit, on_list, request_ref(request));
}

/* --- one run ------------------------------------------------------------------------------ */

static void
refuse(request_t *request, const struct pg_outcome *outcome)
{
    struct problem problem = {0};

    if (outcome->err == TM_RESOLUTION_NEEDS_EVIDENCE)
        problem_add(&problem, outcome->err, "body.note", "%s", outcome->message);
    else
        problem_init(&problem, outcome->err, "%s", "");
    request_problem(request, &problem);
}

static void
on_triaged(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    char *text;

    if (outcome->err) {
        refuse(request, outcome);
    } else {
        text = tm_str_dup(tm_str(pg_get(outcome->results[0], 0, 0)));
        request_reply(request, MHD_HTTP_OK, JSON_TYPE, &text, strlen(text));
    }
    request_unref(&request);
}

static void
triage(request_t *request, const char *status, const char *note)
{
    const struct workspace *workspace = request_workspace(request);
    pg_unit_t *unit = pg_unit_new(request_bridge(request)->pg);
    char id[TM_UUID_TEXT];

    log_info("coverage.triage", "run=%s status=%s",
             tm_uuid_text(request_id_in_path(request), id), status);
    pg_add(unit, STMT_WEAK_RUN_TRIAGE);
    pg_uuid(unit, workspace->is_known ? &workspace->id : NULL);
    pg_uuid(unit, request_id_in_path(request));
    pg_text(unit, status);
    pg_text(unit, note);
    pg_text(unit, WHO);
    pg_send(&unit, on_triaged, request_ref(request));
}

struct asked {
    const char *status, *note;
};

static const field_t rows[] = {
    {FIELD_IS_CHOICE("status", "open acknowledged resolved"), .flags = FIELD_REQUIRED,
     FIELD_AT(struct asked, status)},
    {FIELD_IS_TEXT("note", 0, NOTE_MAX), .flags = FIELD_CHARACTERS,
     FIELD_AT(struct asked, note)},
};
static const struct fields table = FIELDS_OF(rows);

void
coverage_triage(request_t *request)
{
    const char *type = request_header(request, "Content-Type");
    struct asked asked = {NULL, NULL};
    struct problem problem = {0};
    size_t size;
    const char *text = request_text(request, &size);
    tm_auto(json) body = json_body_read(type, text, size, &problem);

    if (!body || !json_body_fields(body, &table, &asked, &problem))
        request_problem(request, &problem);
    else
        triage(request, asked.status, asked.note);
}
