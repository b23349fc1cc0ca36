/* bridge - what the modules of the http process share. Everything lives as long as the process.
 */
#ifndef ACTORS_HTTP_CORE_BRIDGE_H
#define ACTORS_HTTP_CORE_BRIDGE_H

#include "actors/http/core/connections.h"
#include "actors/http/core/route.h"
#include "actors/http/core/workspace.h"
#include "actors/kit/health/components.h"
#include "actors/kit/runtime/federation.h"
#include "actors/kit/pg/pg.h"
#include "proto/client.h"

typedef struct tune_waiters tune_waiters_t;
typedef struct admin_auth admin_auth_t;
typedef struct backtest_asks backtest_asks_t;
typedef struct streams streams_t;

/* Whether a request may pass to its handler, by what its row asks for; decided before its body
 * is read, once header and query have named a workspace, or not: what it carries may name one
 * then. False: it was answered. */
typedef bool admit_fn(request_t *request, struct workspace *workspace);

typedef struct bridge {
    const settings_t *settings;
    const struct route_table *routes;
    admit_fn *admit;
    loop_t *loop;
    meters_t *metrics;
    federation_t *fleet; /* what all processes count */
    pg_t *pg;
    pg_t *long_pg; /* one connection, for what may take minutes: retention_admin.h */
    tm_client_t *client;
    connections_t *connections;
    request_t *requests; /* those under way: request_walk */
    bool is_draining;
    /* of one room each */
    tune_waiters_t *waits;
    backtest_asks_t *asks;
    streams_t *streams; /* NULL: they have ended */
    admin_auth_t *gate;
    components_t *board; /* of the health page */
    int64_t uploads;     /* under way */
    int64_t inspections; /* of files, under way */
} bridge_t;

#endif
