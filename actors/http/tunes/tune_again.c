/* POST /backtests/tunes/{id}/again: the same job once more, under an id of its own. File, seed
 * and strategy are those of the first.
 *
 * reading      PostgreSQL: what the tune was asked
 * submitting   broker: the job; ACCEPTED means it is durable -> answered
 */
#include <string.h>

#include "actors/http/core/answer.h"
#include "actors/http/core/body.h"
#include "actors/http/core/sql.h"
#include "actors/http/tunes/routes.def"
#include "actors/http/tunes/statements.def"
#include "actors/kit/contracts/tune_request.h"
#include "actors/kit/util/auto.h"

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    request_t *request = request_resume(arg);
    char location[64] = "/backtests/tunes/", id[TM_UUID_TEXT];
    struct problem problem;

    if (answer->err) {
        problem_init(&problem, answer->err, "%s", answer->detail);
        problem.retry_after_s = (uint32_t)((answer->retry_after_ms + 999) / 1000);
        answer_problem(request, &problem);
    } else {
        tm_auto(json) root = json_pack("{s:s, s:s}", "tune_id", tm_uuid_text(&answer->job, id),
                                       "status", "queued");
        char *text = json_dumps(root, JSON_COMPACT);

        strcat(location, id);
        answer_header(request, "Location", location);
        answer_text(request, MHD_HTTP_ACCEPTED, JSON_TYPE, &text, strlen(text));
    }
    request_unref(&request);
}

static void
submit_again(request_t *request, const char *body)
{
    const bridge_t *bridge = request_bridge(request);
    char trace[TRACEPARENT_TEXT];
    const struct tm_job_spec spec = {.job = tm_uuid_new(),
                                     .queue = TUNE_QUEUE,
                                     .workspace = request_workspace(request)->id,
                                     .traceparent =
                                         traceparent_text(request_trace(request), trace),
                                     .watch = true,
                                     .body = body,
                                     .body_size = strlen(body)};
    tm_err_t err = bridge->is_draining
                       ? TM_DRAINING
                       : tm_client_submit(bridge->client, &spec, on_answer, request);

    if (err)
        answer_fail(request, err, "");
    else
        request_ref(request);
}

static void
on_asked(void *arg, const struct pg_outcome *outcome)
{
    request_t *request = arg;
    const PGresult *rows = sql_rows(request, outcome, TM_TUNE_NOT_FOUND);

    if (rows && !request_is_gone(request))
        submit_again(request, pg_get(rows, 0, 0));
    request_unref(&request);
}

void
tune_again(request_t *request)
{
    pg_unit_t *unit = sql_in_workspace(request, STMT_TUNE_AGAIN);

    pg_uuid(unit, request_id_in_path(request));
    pg_send(&unit, on_asked, request_ref(request));
}
