#include "actors/http/http.h"

#include <unistd.h>

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
#include "actors/http/explain/routes.def"
#include "actors/http/explain/statements.def"
#include "actors/http/stream/routes.def"
#include "actors/http/stream/streams.h"
#include "actors/http/tunes/routes.def"
#include "actors/http/tunes/statements.def"
#include "actors/http/tunes/tune_waiters.h"
#include "actors/http/web/routes.def"
#include "actors/kit/runtime/broker_settings.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"
#include "actors/kit/util/clock.h"

enum { GIVE_UP_MS = 10000, DRAIN_MS = 10000, DRAIN_TICK_MS = 20, READY_TICK_MS = 10 };

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
    WEB_ROUTES(ROW_WITHOUT)
    /* clang-format on */
};

const struct route_table http_routes = {routes, sizeof(routes) / sizeof(routes[0])};

/* --- the process -------------------------------------------------------------------------- */

typedef struct {
    bridge_t bridge;
    server_t *server;
    int64_t drain_until_ms;
    int ready_fd;
    int ready_timer;
    const struct probing *probing; /* NULL: none */
    void *probes;
    health_news_t *news;
} http_t;

static void
on_result(void *arg, const struct tm_result *result, tm_str_t body)
{
    bridge_t *bridge = arg;

    (void)body;
    tune_waiters_hint(bridge->waits, &result->job);
}

static void
on_drain_tick(void *arg)
{
    http_t *self = arg;

    if (request_count(&self->bridge) == 0 || clock_ms() >= self->drain_until_ms)
        loop_stop(self->bridge.loop);
}

static void
on_drain(void *arg)
{
    http_t *self = arg;

    log_info("http.draining", "requests=%zu", request_count(&self->bridge));
    self->bridge.is_draining = true;
    self->drain_until_ms = clock_ms() + DRAIN_MS;
    server_quiesce(self->server);
    request_walk(&self->bridge, dispatch_drain);
    streams_destroy(
        &self->bridge.streams); /* clients come back to another bridge, or to the next one */
    loop_timer(self->bridge.loop, DRAIN_TICK_MS, true, on_drain_tick, self);
}

static pg_t *
open_pool(bridge_t *bridge)
{
    const settings_t *settings = bridge->settings;
    struct pg_options options = {
        .url = settings->database_url,
        .application = "tunemill-http",
        .statements = statements,
        .statement_count = STATEMENT_COUNT,
        .connections = (int)settings->database_connections,
        .connect_timeout_ms = (int)settings->database_connect_timeout_ms,
        .max_backoff_ms = (int)settings->database_max_backoff_ms,
        .metrics = bridge->metrics,
        .arg = bridge,
    };

    return pg_new(bridge->loop, &options);
}

static void
open_probes(http_t *self)
{
    bridge_t *bridge = &self->bridge;
    const struct probing_world world = {.loop = bridge->loop,
                                        .settings = bridge->settings,
                                        .board = bridge->board,
                                        .meters = bridge->metrics,
                                        .fleet = bridge->fleet,
                                        .pool = bridge->pg};

    if (!self->probing)
        return;
    self->probes = self->probing->open(&world, self->probing->arg);
    self->news = health_news_new(bridge);
}

/* Each needs only those before it. TM_BAD_SETTING: a person must correct what was logged. */
static tm_err_t
open_bridge(http_t *self)
{
    bridge_t *bridge = &self->bridge;
    struct tm_client_options options = {.brokers = bridge->settings->broker_brokers,
                                        .give_up_ms = GIVE_UP_MS,
                                        .curve = broker_settings_curve(bridge->settings)};

    bridge->loop = loop_new();
    loop_signals(bridge->loop, on_drain, self);
    bridge->metrics = meters_new("http");
    sentry_count(bridge->metrics);
    bridge->waits = tune_waiters_new(bridge, TUNES_FIRST + STMT_TUNES_OVER);
    bridge->gate = admin_auth_new(bridge->settings);
    bridge->board = components_new(clock_ms());
    bridge->client = tm_client_new(&options);
    if (!bridge->client) {
        broker_settings_complain(bridge->settings, "http.bad_brokers");
        return TM_BAD_SETTING;
    }
    tm_client_on_watch(bridge->client, NULL, on_result, bridge);
    bridge->asks = backtest_asks_new(bridge->client, backtest_run_answer);
    tm_client_attach(bridge->client, loop_zloop(bridge->loop));
    bridge->fleet = federation_new(bridge->loop, bridge->settings, bridge->metrics, true);
    bridge->pg = open_pool(bridge);
    bridge->long_pg = retention_admin_pool(bridge);
    self->server = server_new(bridge);
    bridge->streams = streams_new(bridge->settings, bridge->metrics);
    if (!bridge->fleet || !bridge->pg || !self->server || !bridge->streams)
        return TM_BAD_SETTING;
    open_probes(self);
    return TM_OK;
}

/* The pool first: its callbacks answer what waits for it, with all else still there. */
static void
close_bridge(http_t *self)
{
    bridge_t *bridge = &self->bridge;

    bridge->is_draining = true;
    health_news_destroy(&self->news);
    if (self->probes)
        self->probing->close(&self->probes);
    streams_destroy(&bridge->streams);
    pg_destroy(&bridge->long_pg);
    pg_destroy(&bridge->pg);
    tm_client_destroy(&bridge->client);
    backtest_asks_destroy(&bridge->asks);
    federation_destroy(&bridge->fleet);
    server_destroy(&self->server);
    tune_waiters_destroy(&bridge->waits);
    admin_auth_destroy(&bridge->gate);
    components_destroy(&bridge->board);
    loop_destroy(&bridge->loop);
    sentry_count(NULL);
    meters_destroy(&bridge->metrics);
}

/* Ready is said once requests can be served: listening, the database up, a broker answering. */
static void
on_ready_tick(void *arg)
{
    http_t *self = arg;

    if (!pg_is_up(self->bridge.pg) || !tm_client_is_connected(self->bridge.client))
        return;
    loop_timer_end(self->bridge.loop, self->ready_timer);
    if (self->ready_fd >= 0 &&
        dprintf(self->ready_fd, "%s\n", server_address(self->server)) < 0)
        log_warn("http.ready_unheard", "errno=%d", errno);
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

tm_err_t
http_run(const settings_t *settings, int ready_fd, const struct probing *probing)
{
    http_t self = {
        .bridge = {.settings = settings, .routes = &http_routes, .admit = authorize_admit},
        .probing = probing};
    tm_err_t err = check_settings(settings);

    if (err)
        return err;
    err = open_bridge(&self);
    if (!err) {
        log_info("http.listening", "address=%s", server_address(self.server));
        self.ready_fd = ready_fd;
        self.ready_timer =
            loop_timer(self.bridge.loop, READY_TICK_MS, true, on_ready_tick, &self);
        loop_run(self.bridge.loop);
        log_info("http.stopped", "requests=%zu", request_count(&self.bridge));
    }
    close_bridge(&self);
    return err;
}
