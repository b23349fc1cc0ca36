#include "actors/http/core/request_inner.h"

#include <string.h>
#include <strings.h>

#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"
#include "actors/kit/util/clock.h"

/* --- what handlers read ------------------------------------------------------------------- */

bridge_t *
request_bridge(const request_t *self)
{
    return self->bridge;
}

const struct query *
request_query(const request_t *self)
{
    return &self->query;
}

const struct workspace *
request_workspace(const request_t *self)
{
    return &self->workspace;
}

const tm_uuid_t *
request_id_in_path(const request_t *self)
{
    return &self->id_in_path;
}

const char *
request_name_in_path(const request_t *self)
{
    return self->name_in_path;
}

const traceparent_t *
request_trace(const request_t *self)
{
    return &self->trace;
}

struct sentry_notes *
request_notes(request_t *self)
{
    return sentry_samples(&self->trace) ? &self->notes : NULL;
}

const char *
request_header(const request_t *self, const char *name)
{
    return self->connection
               ? MHD_lookup_connection_value(self->connection, MHD_HEADER_KIND, name)
               : NULL;
}

struct header_search {
    const char *name;
    void (*fn)(void *arg, const char *value);
    void *arg;
};

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
    const struct header_search *search = cls;

    (void)kind;
    if (key && value && strcasecmp(key, search->name) == 0)
        search->fn(search->arg, value);
    return MHD_YES;
}

void
request_headers(const request_t *self, const char *name, void (*fn)(void *, const char *),
                void *arg)
{
    struct header_search search = {.name = name, .fn = fn, .arg = arg};

    if (self->connection)
        MHD_get_connection_values(self->connection, MHD_HEADER_KIND, on_header, &search);
}

const route_t *
request_route(const request_t *self)
{
    return self->route;
}

const char *
request_path(const request_t *self)
{
    return self->path;
}

const char *
request_text(const request_t *self, size_t *ret_size)
{
    *ret_size = self->text ? self->body_size : 0;
    return self->text ? self->text : "";
}

bool
request_is_gone(const request_t *self)
{
    return !self->connection || self->has_left || self->response || self->is_queued;
}

bool
request_is_head(const request_t *self)
{
    return self->is_head;
}

bool
request_has_answer(const request_t *self)
{
    return self->response != NULL;
}

bool
request_has_left(const request_t *self)
{
    return self->has_left;
}

struct MHD_Connection *
request_connection(const request_t *self)
{
    return self->connection;
}

void
request_keep(request_t *self, void *state, void (*destroy)(void *))
{
    self->state = state;
    self->state_destroy = destroy;
}

void *
request_state(const request_t *self)
{
    return self->state;
}

/* --- all that are under way --------------------------------------------------------------- */

static void
remember_request(request_t *self)
{
    self->next = self->bridge->requests;
    if (self->next)
        self->next->previous = self;
    self->bridge->requests = self;
}

static void
forget_request(request_t *self)
{
    if (self->next)
        self->next->previous = self->previous;
    if (self->previous)
        self->previous->next = self->next;
    else
        self->bridge->requests = self->next;
}

size_t
request_count(const bridge_t *bridge)
{
    size_t count = 0;

    for (const request_t *request = bridge->requests; request; request = request->next)
        count += request->connection != NULL;
    return count;
}

void
request_walk(const bridge_t *bridge, void (*fn)(request_t *request))
{
    request_t *next;

    for (request_t *request = bridge->requests; request; request = next) {
        next = request->next;
        fn(request);
    }
}

/* --- life --------------------------------------------------------------------------------- */

static void
read_trace_header(void *arg, const char *value)
{
    struct {
        unsigned count;
        traceparent_t trace;
    } *found = arg;

    if (traceparent_parse(value, strlen(value), &found->trace))
        found->count++;
    else
        found->count += 2; /* one that is wrong: none counts */
}

static void
read_trace(request_t *self)
{
    struct {
        unsigned count;
        traceparent_t trace;
    } found = {0};

    request_headers(self, "traceparent", read_trace_header, &found);
    if (found.count != 1) {
        traceparent_start(&self->trace);
        return;
    }
    self->trace = found.trace;
    traceparent_step(&self->trace);
}

static void
read_request_id(request_t *self)
{
    const char *given = request_header(self, "X-Request-Id");
    char text[TM_UUID_TEXT];
    tm_uuid_t id;

    if (request_id_is_sane(given)) {
        snprintf(self->id, sizeof(self->id), "%s", given);
        return;
    }
    id = tm_uuid_new();
    snprintf(self->id, sizeof(self->id), "%s", tm_uuid_text(&id, text));
}

request_t *
request_new(bridge_t *bridge, struct MHD_Connection *connection, const char *method,
            const char *path)
{
    request_t *self = zmalloc(sizeof(*self));

    self->bridge = bridge;
    self->connection = connection;
    self->path = path;
    self->refs = 1;
    self->started_us = clock_us();
    self->is_head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    query_init(&self->query);
    read_request_id(self);
    read_trace(self);
    remember_request(self);
    return self;
}

request_t *
request_ref(request_t *self)
{
    self->refs++;
    return self;
}

request_t *
request_resume(request_t *self)
{
    log_trace(&self->trace);
    return self;
}

void
request_unref(request_t **self_p)
{
    request_t *self = *self_p;

    *self_p = NULL;
    if (!self || --self->refs)
        return;
    if (self->state_destroy)
        self->state_destroy(self->state);
    if (self->response)
        MHD_destroy_response(self->response);
    forget_request(self);
    for (size_t i = 0; i < self->header_count; i++)
        free(self->headers[i].value);
    free(self->text);
    sentry_notes_fini(&self->notes);
    free(self);
}

void
request_ended(request_t **self_p)
{
    (*self_p)->connection = NULL;
    (*self_p)->path = "";
    request_unref(self_p);
}

void
request_suspend(request_t *self)
{
    self->is_suspended = true;
    connections_suspend(self->bridge->connections, self->connection, self);
}

void
request_leave(request_t *self)
{
    self->has_left = true;
    if (self->is_suspended)
        connections_resume(self->bridge->connections, self->connection);
    self->is_suspended = false;
}
