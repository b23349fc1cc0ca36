/* bridge - what the modules of the http process share. Everything lives as long as the process.
 */
#ifndef ACTORS_HTTP_BRIDGE_H
#define ACTORS_HTTP_BRIDGE_H

#include "actors/http/streams.h"
#include "actors/kit/board.h"
#include "actors/kit/fleet.h"
#include "actors/kit/loop.h"
#include "actors/kit/metrics.h"
#include "actors/kit/pg.h"
#include "actors/kit/settings.h"
#include "actors/http/statements.def"
#include "proto/client.h"

typedef enum {
#define S(NAME, params, sql) STMT_##NAME,
    HTTP_STATEMENTS(S)
#undef S
        STMT_COUNT
} http_statement_t;

typedef struct waits waits_t;
typedef struct server server_t;
typedef struct gate gate_t;
typedef struct backtest_asks backtest_asks_t;

typedef struct bridge {
    const settings_t *settings;
    loop_t *loop;
    meters_t *metrics;
    fleet_t *fleet; /* what all processes count */
    pg_t *pg;
    pg_t *long_pg; /* one connection, for what may take minutes: retention_admin.h */
    tm_client_t *client;
    waits_t *waits;
    backtest_asks_t *asks;
    server_t *server;
    streams_t *streams; /* NULL: they have ended */
    gate_t *gate;
    board_t *board; /* of the health page */
    bool is_draining;
    int64_t uploads; /* under way */
} bridge_t;

#endif
