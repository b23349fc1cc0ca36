/* /health, /ready and /metrics. They are answered from memory: /health says that the loop runs;
 * /ready, whether pool and client are connected and what the probe of the database found last;
 * the other processes have sent what /metrics shows of them.
 */
#include "actors/http/admin/routes.def"
#include "actors/http/core/answer.h"
#include "actors/kit/util/clock.h"

void
status_health(request_t *request)
{
    char *text = tm_str_dup(tm_str("{\"status\":\"ok\",\"version\":\"" TM_VERSION "\"}"));

    answer_json(request, &text);
}

/* The pool may count a connection as up although the database does not answer; the probe asks
 * the database. */
static bool
is_database_down(const bridge_t *bridge)
{
    struct component_view view;

    return !pg_is_up(bridge->pg) ||
           (components_view(bridge->board, COMPONENT_DATABASE, clock_ms(), &view) &&
            view.status == HEALTH_ERROR);
}

void
status_ready(request_t *request)
{
    const bridge_t *bridge = request_bridge(request);
    struct problem problem = {0};
    char *text;

    if (bridge->is_draining)
        problem_add(&problem, TM_DRAINING, "process", "%s", tm_err_text(TM_DRAINING));
    if (is_database_down(bridge))
        problem_add(&problem, TM_STORE_DOWN, "database", "%s", tm_err_text(TM_STORE_DOWN));
    if (!tm_client_is_connected(bridge->client))
        problem_add(&problem, TM_BROKER_DOWN, "broker", "%s", tm_err_text(TM_BROKER_DOWN));
    if (problem.err) {
        answer_problem(request, &problem);
        return;
    }
    text = tm_str_dup(
        tm_str("{\"status\":\"ready\",\"checks\":{\"database\":\"ok\",\"broker\":\"ok\"}}"));
    answer_json(request, &text);
}

void
status_metrics(request_t *request)
{
    size_t size;
    const bridge_t *bridge = request_bridge(request);
    char *text = federation_render(bridge->fleet, &size);

    answer_text(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &text, size);
}
