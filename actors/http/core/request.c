#include "actors/http/core/request_inner.h"

#include <string.h>
#include <strings.h>

#include "actors/http/auth/authorize.h"
#include "actors/http/backtests/backtest_intake.h"
#include "actors/http/core/server.h"
#include "actors/http/tunes/tune_intake.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/util/memory.h"

enum {
    STRAY_BODY_MAX = 65536, /* of a request that should have none */
    SMALL_BODY_MAX = 65536,
};

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

request_t **
request_link(request_t *self, size_t which)
{
    return &self->links[which];
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

/* --- life --------------------------------------------------------------------------------- */

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
    server_forget(self->bridge->server, self);
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
read_id(request_t *self)
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

static void
count_value(void *arg, const char *value)
{
    unsigned *count = arg;

    (void)value;
    (*count)++;
}

/* The end of the body is told twice. A proxy before us may have believed the other one, and
 * then what one client sends is another's request (RFC 9112, 6.3). */
static bool
has_two_ends(const request_t *self)
{
    unsigned count = 0;

    request_headers(self, "Content-Length", count_value, &count);
    if (count == 1)
        request_headers(self, "Transfer-Encoding", count_value, &count);
    return count > 1;
}

static void
route(request_t *self, const char *method, const char *path)
{
    struct route_match match;
    tm_err_t err = route_find(method, path, &match);

    self->route = err ? NULL : match.route;
    if (match.name.size)
        memcpy(self->name_in_path, match.name.data, match.name.size);
    if (err == TM_METHOD_NOT_ALLOWED)
        request_add_header(self, "Allow", match.allow);
    if (err)
        request_fail(self, err, "");
    else if (match.id.size && tm_uuid_parse(match.id.data, match.id.size, &self->id_in_path)) {
        struct problem problem = {0};

        problem_add(&problem, TM_VALIDATION_FAILED, "path.id", "is not a UUID");
        request_problem(self, &problem);
    }
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
    read_id(self);
    read_trace(self);
    server_remember(bridge->server, self);
    if (has_two_ends(self)) {
        request_add_header(self, "Connection", "close");
        request_fail(self, TM_BAD_REQUEST, "the size of the body is said more than once");
    } else {
        route(self, method, path);
    }
    return self;
}

/* --- arriving ----------------------------------------------------------------------------- */

struct arguments {
    request_t *request;
    struct problem problem;
};

/* A value with a NUL in it is cut there by those who read text: it counts as an empty one,
 * which none takes. */
static enum MHD_Result
on_argument(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size,
            const char *value, size_t value_size)
{
    struct arguments *self = cls;
    request_t *request = self->request;

    (void)kind;
    if (key_size == 0 && value_size == 0)
        return MHD_YES; /* between two & */
    if (strlen(key) != key_size)
        key = ""; /* no name of ours */
    if (!value || strlen(value) != value_size)
        value = "";
    if (strcmp(key, "workspace_id") == 0 && request->route->access != ACCESS_OPEN)
        workspace_say(&request->workspace, "query.workspace_id", value, strlen(value),
                      &self->problem);
    else
        query_set(&request->query, request->route->query, key, value, &self->problem);
    return MHD_YES;
}

static void
on_workspace_header(void *arg, const char *value)
{
    struct arguments *self = arg;

    workspace_say(&self->request->workspace, "header.X-Workspace-Id", value, strlen(value),
                  &self->problem);
}

/* Who asks is decided before what is wrong with it is told. */
static void
read_arguments(request_t *self)
{
    struct arguments arguments;

    arguments.request = self;
    problem_none(&arguments.problem);
    if (self->route->access != ACCESS_OPEN)
        request_headers(self, "X-Workspace-Id", on_workspace_header, &arguments);
    MHD_get_connection_values_n(self->connection, MHD_GET_ARGUMENT_KIND, on_argument,
                                &arguments);
    query_end(&self->query, self->route->query, &arguments.problem);
    if (!authorize_admit(self, &self->workspace))
        return;
    if (self->route->access == ACCESS_WORKSPACE || self->route->access == ACCESS_STREAM)
        workspace_settle(&self->workspace, self->bridge->settings, &arguments.problem);
    if (arguments.problem.err)
        request_problem(self, &arguments.problem);
}

bool
request_need_workspace(request_t *self)
{
    struct problem problem = {0};

    workspace_settle(&self->workspace, self->bridge->settings, &problem);
    if (problem.err)
        request_problem(self, &problem);
    return !problem.err;
}

static bool
has_small_body(const request_t *self)
{
    const route_body_t body = self->route ? self->route->body : BODY_NONE;

    return body == BODY_SMALL || body == BODY_OPTIONAL || body == BODY_JSON;
}

static void
begin_small(request_t *self)
{
    uint64_t length = 0;

    if (content_length_parse(request_header(self, "Content-Length"), &length) &&
        length > SMALL_BODY_MAX)
        request_fail(self, TM_TOO_LARGE, "the body is larger than 64 KiB");
}

void
request_begin(request_t *self)
{
    if (self->response)
        return;
    request_resume(self);
    if (server_is_full(self->bridge->server)) {
        request_fail(self, TM_BUSY, "this server has as many connections as it takes");
        return;
    }
    read_arguments(self);
    if (!self->response && self->route->body == BODY_TUNE)
        tune_intake_begin(self);
    else if (!self->response && self->route->body == BODY_BACKTEST)
        backtest_intake_begin(self);
    else if (!self->response && has_small_body(self))
        begin_small(self);
}

/* Read on a little and thrown away where it is too large: no answer can be sent before. */
static bool
add_small(request_t *self, const char *data, size_t size)
{
    if (self->body_size + size <= SMALL_BODY_MAX) {
        self->text = tm_grown(self->text, self->body_size + size + 1);
        memcpy(self->text + self->body_size, data, size);
        self->text[self->body_size + size] = '\0';
    }
    self->body_size += size;
    return self->body_size <= (size_t)2 * SMALL_BODY_MAX;
}

bool
request_body(request_t *self, const char *data, size_t size)
{
    if (self->route && self->route->body == BODY_TUNE && self->state)
        return tune_intake_body(self, data, size);
    if (self->route && self->route->body == BODY_BACKTEST && self->state)
        return backtest_intake_body(self, data, size);
    if (has_small_body(self) && !self->response)
        return add_small(self, data, size);
    self->body_size += size;
    return self->body_size <= STRAY_BODY_MAX;
}

void
request_run(request_t *self)
{
    if (self->has_run || self->response)
        return;
    self->has_run = true;
    request_resume(self);
    if (has_small_body(self) && self->body_size > SMALL_BODY_MAX)
        request_fail(self, TM_TOO_LARGE, "the body is larger than 64 KiB");
    else if (self->bridge->pg)
        self->route->run(self);
    else
        request_fail(self, TM_DRAINING, ""); /* the process is on its way out */
    log_trace(NULL);
}
