/* route - finds the row of routes.def that an address and a method mean.
 */
#ifndef ACTORS_HTTP_CORE_ROUTE_H
#define ACTORS_HTTP_CORE_ROUTE_H

#include "actors/http/core/parameters.def"
#include "actors/http/core/routes.def"
#include "proto/message.h"

typedef struct request request_t;
typedef void route_fn(request_t *request); /* answers, now or later: see request.h */

#define ROUTE_NAME_MAX 64

typedef enum {
    ACCESS_OPEN,
    ACCESS_WORKSPACE,
    ACCESS_FORM,
    ACCESS_ADMIN,
    ACCESS_STREAM
} route_access_t;
typedef enum {
    BODY_NONE,
    BODY_TUNE,
    BODY_BACKTEST,
    BODY_SMALL,
    BODY_OPTIONAL,
    BODY_JSON
} route_body_t;

typedef struct {
    const char *id, *method, *path;
    route_access_t access;
    route_body_t body;
    unsigned query;
    route_fn *run;
    const char *answer, *summary;
} route_t;

typedef enum {
#define R(ID, method, path, access, body, query, handler, answer, summary) ROUTE_##ID,
    HTTP_ROUTES(R)
#undef R
        ROUTE_COUNT
} route_id_t;

struct route_match {
    const route_t *route;
    tm_str_t id, name; /* what stands for {id}, {name}: borrowed from the path; empty if none */
    char allow[64];    /* for 405: the methods of this path */
};

/* 1 to 64 characters of a-z 0-9 . _ -: a queue, an asset */
bool route_is_name(tm_str_t text);

const route_t *route_at(size_t index); /* NULL behind the last */
/* TM_NOT_FOUND, or TM_METHOD_NOT_ALLOWED with ret->allow. */
TM_CHECKED tm_err_t route_find(const char *method, const char *path, struct route_match *ret);

#endif
