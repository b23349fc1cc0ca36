/* route - the rows of all routes.def, and which of them an address and a method mean. From the
 * rows come dispatch, 405 with Allow and the metrics' labels.
 *
 * A room has a routes.def for the addresses that it answers:
 *
 *     R(ID, "METHOD", "path", access, ops, query, run, "what the answer is made of", "summary")
 *
 * path     {id} is a UUID, {name} 1 to 64 characters of a-z 0-9 . _ - HEAD is answered wherever
 *          GET is
 * access   OPEN       nothing is asked
 *          WORKSPACE  header or query name a workspace, resolved before the handler runs
 *          FORM       the same, and the form may name it: the handler's task
 *          ADMIN      the admin token (admin_auth.h); a workspace may be named, or none: see
 *                     dispatch_need_workspace
 *          STREAM     the admin token, or a ticket, which gives one workspace; a workspace is
 *                     resolved before the handler runs
 * ops      how its requests are taken: the struct route_ops named ops_ops. plain: no body is
 *          read. text: a body of at most 64 KiB, kept for request_text (body.h)
 * query    sets of parameters.def
 * run      the handler: all of the request has arrived
 * answer   a schema of openapi.json; "text", "page" (HTML), "file" (any type), "object",
 *          "elsewhere" (303), or "" for 204
 *
 * What is asked of a request is decided by its row alone: authorize.h does it, for every row.
 */
#ifndef ACTORS_HTTP_CORE_ROUTE_H
#define ACTORS_HTTP_CORE_ROUTE_H

#include "actors/http/core/parameters.def"
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

struct route_ops {
    route_fn *begin; /* headers are there: refuses early, or makes ready. May be NULL */
    bool (*body)(request_t *request, const char *data, size_t size); /* false: close it */
    route_fn *drain; /* the process ends: it waits no longer. NULL: it never waits for long */
};

typedef struct {
    const char *id, *method, *path;
    route_access_t access;
    const struct route_ops *ops;
    unsigned query;
    route_fn *run;
    size_t first_statement; /* of its room: see sql.h */
    const char *answer, *summary;
} route_t;

struct route_table {
    const route_t *rows;
    size_t count;
};

/* Behind the rows of a routes.def: what they name. */
#define ROUTE_DECLARE(ID, method, path, access, ops, query, run, answer, summary) \
    extern const struct route_ops ops##_ops;                                      \
    route_fn run;

struct route_match {
    const route_t *route;
    tm_str_t id, name; /* what stands for {id}, {name}: borrowed from the path; empty if none */
    char allow[64];    /* for 405: the methods of this path */
};

/* 1 to 64 characters of a-z 0-9 . _ -: a queue, an asset */
bool route_is_name(tm_str_t text);

/* TM_NOT_FOUND, or TM_METHOD_NOT_ALLOWED with ret->allow. */
TM_CHECKED tm_err_t route_find(const struct route_table *table, const char *method,
                               const char *path, struct route_match *ret);

#endif
