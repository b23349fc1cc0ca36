/* POST /match-runs: which strategies fit what is asked for, and whether they fit
 * well enough. Matching and keeping are one transaction (match_run_record,
 * functions/coverage.sql).
 *
 * A strategy's score is from 0 to 1, with four decimals:
 *
 *     score = 0.7 * tags + 0.3 * text     or text alone, if the intent has no term that counts
 *
 * tags   The intent's groups that have terms share their weight: archetypes 0.35, indicators
 *        0.30, topics 0.15, timeframes (buckets and explicit) 0.10, risk 0.10; symbols count
 *        for nothing. In a group every term counts the same: 1 if the strategy has it as a tag,
 *        else the trigram similarity of the nearest tag if that is 0.6 or more, else 0.
 * text   The words of the query (full-text search: stems, without stop words) that are in the
 *        strategy's name, tags and description, in relation to the shorter of the two; a
 *        strategy's text counts as five words at least. A word that is not there counts by its
 *        trigram word similarity to one of the tags, if that is 0.6 or more.
 *
 * Candidates are the top_k of those that have 0.2 or more, so that one common word makes none;
 * the best first, then by name, by id.
 *
 * Coverage is weak if the best has less than 0.45 (LOW_BEST_SCORE), none has 0.55 or more
 * (NO_RESULTS_ABOVE_THRESHOLD), or there is none (NO_RESULTS). A confidence under 0.35 is
 * LOW_SIGNAL_INPUT and nothing else: too little was said to call it weak. A run that fits, and
 * only that, resolves the open weak runs of its signature.
 */
#include "actors/http/core/answer.h"
#include "actors/http/core/body.h"
#include "actors/http/core/sql.h"
#include "actors/http/coverage/match_request.h"
#include "actors/http/coverage/routes.def"
#include "actors/http/coverage/statements.def"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

/* What Sentry is told of the query, which is all that a match asks of its knowledge. */
struct query_clock {
    int64_t started_us;
    char confidence[16]; /* of what was understood of the question; "": not said */
};

static void
note_query(request_t *request, const char *status)
{
    const struct query_clock *clock = request_state(request);
    struct sentry_notes *notes = request_notes(request);

    sentry_tag(notes, "kb_status", status);
    sentry_tag(notes, "kb_confidence", clock->confidence);
    sentry_number(notes, "kb.total_ms", (double)(clock_us() - clock->started_us) / 1000,
                  "millisecond");
}

static void
on_match_kept(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *row = outcome->err ? NULL : outcome->results[0];

    note_query(request, row ? pg_get(row, 0, 1) : "error");
    if (row)
        meters_add(request_bridge(request)->metrics, METRIC_MATCH_RUNS, pg_get(row, 0, 1), 1);
    sql_answer_json(request, outcome);
    request_unref(&request);
}

static void
keep_match(request_t *request, const struct match_request *match)
{
    tm_auto(tm_text) intent = json_text_of(match->intent, JSON_COMPACT);
    pg_unit_t *unit = sql_unit(request, STMT_MATCH_RECORD);
    struct query_clock *clock = zmalloc(sizeof(*clock));
    tm_uuid_t id = tm_uuid_new();
    const json_t *confidence = json_object_get(match->intent, "overall_confidence");

    clock->started_us = clock_us();
    if (json_is_number(confidence))
        snprintf(clock->confidence, sizeof(clock->confidence), "%.2f",
                 json_number_value(confidence));
    request_keep(request, clock, free);
    pg_uuid(unit, &request_workspace(request)->id);
    pg_uuid(unit, &id);
    pg_text(unit, intent);
    pg_text(unit, match->signature);
    pg_text(unit, match->query);
    pg_i64(unit, match->top_k);
    pg_text(unit, match->source_ref);
    pg_send(&unit, on_match_kept, request_ref(request));
}

void
match_runs_add(request_t *request)
{
    struct problem problem = {0};
    struct match_request match;
    tm_auto(json) body = body_json(request, &problem);

    if (!body || !match_request_read(body, &match, &problem)) {
        answer_problem(request, &problem);
        return;
    }
    keep_match(request, &match);
    match_request_fini(&match);
}
