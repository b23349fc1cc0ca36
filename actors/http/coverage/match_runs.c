#include "actors/http/coverage/match_runs.h"

#include "actors/http/coverage/match_request.h"
#include "actors/http/core/request.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

/* What Sentry is told of the query, which is all that a match asks of its knowledge. */
struct query_clock {
    int64_t started_us;
    char confidence[16]; /* of what was understood of the question; "": not said */
};

static void
note(request_t *request, const char *status)
{
    const struct query_clock *clock = request_state(request);
    struct sentry_notes *notes = request_notes(request);

    sentry_tag(notes, "kb_status", status);
    sentry_tag(notes, "kb_confidence", clock->confidence);
    sentry_number(notes, "kb.total_ms", (double)(clock_us() - clock->started_us) / 1000,
                  "millisecond");
}

static void
on_kept(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *row = outcome->err ? NULL : outcome->results[0];
    char *text = row ? tm_str_dup(tm_str(pg_get(row, 0, 0))) : NULL;

    note(request, row ? pg_get(row, 0, 1) : "error");
    if (row) {
        meters_add(request_bridge(request)->metrics, METRIC_MATCH_RUNS, pg_get(row, 0, 1), 1);
        request_reply(request, MHD_HTTP_OK, JSON_TYPE, &text, strlen(text));
    } else {
        request_fail(request, outcome->err, "");
    }
    request_unref(&request);
}

static void
keep(request_t *request, const struct match_request *match)
{
    tm_auto(tm_text) intent = json_dumps(match->intent, JSON_COMPACT | JSON_REAL_PRECISION(15));
    pg_unit_t *unit = pg_unit_new(request_bridge(request)->pg);
    struct query_clock *clock = zmalloc(sizeof(*clock));
    tm_uuid_t id = tm_uuid_new();

    const json_t *confidence = json_object_get(match->intent, "overall_confidence");

    clock->started_us = clock_us();
    if (json_is_number(confidence))
        snprintf(clock->confidence, sizeof(clock->confidence), "%.2f",
                 json_number_value(confidence));
    request_keep(request, clock, free);

    pg_add(unit, STMT_MATCH_RECORD);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_uuid(unit, &id);
    pg_text(unit, intent);
    pg_text(unit, match->signature);
    pg_text(unit, match->query);
    pg_i64(unit, match->top_k);
    pg_text(unit, match->source_ref);
    pg_send(&unit, on_kept, request_ref(request));
}

void
match_runs_add(request_t *request)
{
    const char *type = request_header(request, "Content-Type");
    struct problem problem = {0};
    struct match_request match;
    size_t size;
    const char *text = request_text(request, &size);
    tm_auto(json) body = json_body_read(type, text, size, &problem);

    if (!body || !match_request_read(body, &match, &problem)) {
        request_problem(request, &problem);
        return;
    }
    keep(request, &match);
    match_request_fini(&match);
}
