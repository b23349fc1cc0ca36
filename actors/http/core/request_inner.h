/* request_inner - what a request is made of; inner to core. */
#ifndef ACTORS_HTTP_CORE_REQUEST_INNER_H
#define ACTORS_HTTP_CORE_REQUEST_INNER_H

#include "actors/http/core/headers.h"
#include "actors/http/core/request.h"

enum { REQUEST_HEADERS = 12 /* that a handler adds */ };

struct request {
    bridge_t *bridge;
    struct MHD_Connection *connection; /* NULL once libmicrohttpd is done with it */
    unsigned refs;
    const route_t *route;
    const char *path; /* libmicrohttpd's */
    char id[REQUEST_ID_MAX + 1];
    traceparent_t trace;
    struct sentry_notes notes; /* of its transaction, if that is told */
    struct query query;
    struct workspace workspace;
    tm_uuid_t id_in_path;
    char name_in_path[ROUTE_NAME_MAX + 1];
    size_t body_size;
    char *text; /* the body, if the route keeps it */
    int64_t started_us;

    bool is_head, is_too_large, has_run, has_left, is_suspended, is_queued;
    struct MHD_Response *response; /* the answer, until it is queued */
    unsigned status;
    struct {
        const char *name;
        char *value;
    } headers[REQUEST_HEADERS]; /* added by the handler */
    size_t header_count;

    void *state;
    void (*state_destroy)(void *state);
    request_t *next, *previous; /* in the bridge's list */
};

#endif
