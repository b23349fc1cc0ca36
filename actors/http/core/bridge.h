/* bridge - what the modules of the http process share. Everything lives as long as the process.
 */
#ifndef ACTORS_HTTP_CORE_BRIDGE_H
#define ACTORS_HTTP_CORE_BRIDGE_H

#include "actors/http/stream/streams.h"
#include "actors/kit/health/components.h"
#include "actors/kit/runtime/federation.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/pg/pg.h"
#include "actors/kit/runtime/settings.h"
#include "actors/http/statements.def"
#include "proto/client.h"

typedef enum {
#define S(NAME, params, sql) STMT_##NAME,
    HTTP_STATEMENTS(S)
#undef S
        STMT_COUNT
} http_statement_t;

typedef struct tune_waiters tune_waiters_t;
typedef struct server server_t;
typedef struct admin_auth admin_auth_t;
typedef struct backtest_asks backtest_asks_t;

typedef struct bridge {
    const settings_t *settings;
    loop_t *loop;
    meters_t *metrics;
    federation_t *fleet; /* what all processes count */
    pg_t *pg;
    pg_t *long_pg; /* one connection, for what may take minutes: retention_admin.h */
    tm_client_t *client;
    tune_waiters_t *waits;
    backtest_asks_t *asks;
    server_t *server;
    streams_t *streams; /* NULL: they have ended */
    admin_auth_t *gate;
    components_t *board; /* of the health page */
    bool is_draining;
    int64_t uploads; /* under way */
} bridge_t;

#endif
