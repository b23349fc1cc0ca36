#include "actors/http/http.h"

#include "actors/http/admin/health_page.h"
#include "actors/http/admin/retention_admin.h"
#include "actors/http/admin/routes.def"
#include "actors/http/admin/statements.def"
#include "actors/http/auth/authorize.h"
#include "actors/http/auth/routes.def"
#include "actors/http/backtests/backtest_run.h"
#include "actors/http/backtests/routes.def"
#include "actors/http/backtests/statements.def"
#include "actors/http/core/dispatch.h"
#include "actors/http/core/server.h"
#include "actors/http/core/statements.def"
#include "actors/http/coverage/routes.def"
#include "actors/http/coverage/statements.def"
#include "actors/http/data/routes.def"
#include "actors/http/explain/routes.def"
#include "actors/http/explain/statements.def"
#include "actors/http/stream/routes.def"
#include "actors/http/stream/streams.h"
#include "actors/http/tunes/routes.def"
#include "actors/http/tunes/statements.def"
#include "actors/http/tunes/tune_waiters.h"
#include "actors/http/web/routes.def"
#include "actors/kit/contracts/explain_call.h"
#include "actors/kit/runtime/broker_settings.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/util/clock.h"

enum { GIVE_UP_MS = 10000, DRAIN_MS = 10000, READY_TICK_MS = 10 };

/* --- the rooms ---------------------------------------------------------------------------- */

/* The SQL of all rooms, and where each room's begins. */
static const struct pg_statement statements[] = {
#define S(NAME, params, sql) {#NAME, params, sql},
    CORE_STATEMENTS(S) TUNES_STATEMENTS(S) BACKTESTS_STATEMENTS(S) EXPLAIN_STATEMENTS(S)
        COVERAGE_STATEMENTS(S) ADMIN_STATEMENTS(S)
#undef S
};

enum {
    TUNES_FIRST = CORE_STATEMENT_COUNT,
    BACKTESTS_FIRST = TUNES_FIRST + TUNES_STATEMENT_COUNT,
    EXPLAIN_FIRST = BACKTESTS_FIRST + BACKTESTS_STATEMENT_COUNT,
    COVERAGE_FIRST = EXPLAIN_FIRST + EXPLAIN_STATEMENT_COUNT,
    ADMIN_FIRST = COVERAGE_FIRST + COVERAGE_STATEMENT_COUNT,
    STATEMENT_COUNT = ADMIN_FIRST + ADMIN_STATEMENT_COUNT,
};

static_assert(STATEMENT_COUNT == sizeof(statements) / sizeof(statements[0]),
              "a room is missing");

#define ROW(first, ID, method, path, access, ops, query, run, answer, summary) \
    {#ID, method, path, ACCESS_##access, &ops##_ops, query, run, first, answer, summary},
#define TUNES_ROW(...)     ROW(TUNES_FIRST, __VA_ARGS__)
#define BACKTESTS_ROW(...) ROW(BACKTESTS_FIRST, __VA_ARGS__)
#define EXPLAIN_ROW(...)   ROW(EXPLAIN_FIRST, __VA_ARGS__)
#define COVERAGE_ROW(...)  ROW(COVERAGE_FIRST, __VA_ARGS__)
#define ADMIN_ROW(...)     ROW(ADMIN_FIRST, __VA_ARGS__)
#define ROW_WITHOUT(...)   ROW(STATEMENT_COUNT, __VA_ARGS__) /* of a room that has no SQL */

static const route_t routes[] = {
    /* clang-format off */
    TUNES_ROUTES(TUNES_ROW)
    BACKTESTS_ROUTES(BACKTESTS_ROW)
    EXPLAIN_ROUTES(EXPLAIN_ROW)
    COVERAGE_ROUTES(COVERAGE_ROW)
    ADMIN_ROUTES(ADMIN_ROW)
    AUTH_ROUTES(ROW_WITHOUT)
    STREAM_ROUTES(ROW_WITHOUT)
    DATA_ROUTES(ROW_WITHOUT)
    WEB_ROUTES(ROW_WITHOUT)
    /* clang-format on */
};

const struct route_table http_routes = {routes, sizeof(routes) / sizeof(routes[0])};

/* --- the process -------------------------------------------------------------------------- */

typedef struct {
    service_t *service;
    bridge_t bridge;
    server_t *server;
    int ready_timer;
    void *probes; /* NULL: nobody fills the health page */
    health_news_t *news;
} http_t;

static void
on_result(void *arg, const struct tm_result *result, tm_str_t body)
{
    bridge_t *bridge = arg;

    (void)body;
    tune_waiters_hint(bridge->waits, &result->job);
}

/* --- opening ------------------------------------------------------------------------------ */

/* Ready is said once requests can be served: listening, the database up, a broker answering. */
static void
on_ready_tick(void *arg)
{
    const http_t *self = arg;

    if (!pg_is_up(self->bridge.pg) || !tm_client_is_connected(self->bridge.client))
        return;
    loop_timer_end(self->bridge.loop, self->ready_timer);
    service_ready(self->service, server_address(self->server));
}

static void
open_probes(http_t *self)
{
    bridge_t *bridge = &self->bridge;
    const struct probing *probing = self->service->given;
    const struct probing_world world = {.loop = bridge->loop,
                                        .settings = bridge->settings,
                                        .board = bridge->board,
                                        .meters = bridge->metrics,
                                        .fleet = bridge->fleet,
                                        .pool = bridge->pg};

    if (!probing)
        return;
    self->probes = probing->open(&world, probing->arg);
    self->news = health_news_new(bridge);
}

static bool
open_client(bridge_t *bridge)
{
    const struct tm_client_options options = {.brokers = bridge->settings->broker_brokers,
                                              .give_up_ms = GIVE_UP_MS,
                                              .curve = broker_settings_curve(bridge->settings)};

    bridge->client = tm_client_new(&options);
    if (!bridge->client)
        return false;
    tm_client_on_watch(bridge->client, NULL, on_result, bridge);
    bridge->asks = backtest_asks_new(bridge->client, backtest_run_answer);
    tm_client_attach(bridge->client, loop_zloop(bridge->loop));
    return true;
}

static tm_err_t
check_settings(const settings_t *settings)
{
    char detail[300], quoted[400];
    tm_err_t err = settings_check(settings, detail, sizeof(detail));

    if (err)
        log_error("http.bad_setting", "what=%s",
                  log_quote(detail, strlen(detail), quoted, sizeof(quoted)));
    return err;
}

/* What is counted by words of tables that the metrics do not know. */
static void
know_labels(const bridge_t *bridge)
{
    meters_t *meters = bridge->metrics;
    char code[8];

    for (size_t i = 0; i < bridge->routes->count; i++)
        meters_know(meters, METRIC_HTTP_REQUESTS, bridge->routes->rows[i].id);
    meters_know(meters, METRIC_HTTP_REQUESTS, "none");
    for (int err = TM_OK; err < TM_ERR_COUNT; err++) {
        snprintf(code, sizeof(code), "%d", tm_err_http((tm_err_t)err));
        meters_know(meters, METRIC_HTTP_CODES, code);
    }
    for (int reason = 0; reason < EXPLAIN_REASON_COUNT; reason++)
        meters_know(meters, METRIC_EXPLANATIONS,
                    explain_reason_code((enum explain_reason)reason));
}

/* In the order of need. TM_BAD_SETTING: what was logged must be corrected by a person. */
static tm_err_t
start(void *state, service_t *service)
{
    http_t *self = state;
    bridge_t *bridge = &self->bridge;

    bridge->settings = service->settings;
    bridge->routes = &http_routes;
    bridge->admit = authorize_admit;
    bridge->loop = service->loop;
    bridge->metrics = service->meters;
    bridge->fleet = service->federation;
    bridge->pg = service->pg;
    know_labels(bridge);
    if (check_settings(service->settings))
        return TM_BAD_SETTING;
    bridge->waits = tune_waiters_new(bridge, TUNES_FIRST + STMT_TUNES_OVER);
    bridge->gate = admin_auth_new(bridge->settings);
    bridge->board = components_new(clock_ms());
    if (!open_client(bridge))
        return TM_BAD_SETTING;
    bridge->long_pg = retention_admin_pool(bridge);
    self->server = server_new(bridge);
    bridge->streams = streams_new(bridge->settings, bridge->metrics);
    if (!self->server || !bridge->streams)
        return TM_BAD_SETTING;
    open_probes(self);
    log_info("http.listening", "address=%s", server_address(self->server));
    self->ready_timer = loop_timer(bridge->loop, READY_TICK_MS, true, on_ready_tick, self);
    return TM_OK;
}

/* --- ending ------------------------------------------------------------------------------- */

static void
drain(void *state)
{
    http_t *self = state;
    bridge_t *bridge = &self->bridge;

    log_info("http.draining", "requests=%zu", request_count(bridge));
    bridge->is_draining = true;
    server_quiesce(self->server);
    request_walk(bridge, dispatch_drain);
    streams_destroy(&bridge->streams); /* they come back to another bridge, or the next */
}

static bool
is_drained(void *state)
{
    const http_t *self = state;

    return request_count(&self->bridge) == 0;
}

static void
cut(void *state)
{
    const http_t *self = state;

    log_warn("http.drain", "requests=%zu", request_count(&self->bridge));
}

/* What asks the pool of itself, or looks at it. */
static void
close_askers(http_t *self)
{
    const struct probing *probing = self->service->given;

    health_news_destroy(&self->news);
    if (self->probes)
        probing->close(&self->probes);
    streams_destroy(&self->bridge.streams);
    pg_destroy(&self->bridge.long_pg);
}

static void
stop(void *state)
{
    http_t *self = state;

    self->bridge.is_draining = true;
    close_askers(self);
}

static void
fini(void *state)
{
    http_t *self = state;
    bridge_t *bridge = &self->bridge;

    bridge->pg = NULL;
    close_askers(self);
    tm_client_destroy(&bridge->client);
    backtest_asks_destroy(&bridge->asks);
    server_destroy(&self->server);
    tune_waiters_destroy(&bridge->waits);
    admin_auth_destroy(&bridge->gate);
    components_destroy(&bridge->board);
}

const struct service_type http_service = {
    .name = "http",
    .state_size = sizeof(http_t),
    .metrics = SERVICE_WATCHES,
    .says_ready = true,
    .database = {.application = "tunemill-http",
                 .statements = statements,
                 .statement_count = STATEMENT_COUNT},
    .start = start,
    .drain = drain,
    .is_drained = is_drained,
    .drain_ms = DRAIN_MS,
    .cut = cut,
    .stop = stop,
    .fini = fini,
};
