#include "actors/http/request.h"

#include <string.h>
#include <strings.h>

#include "actors/http/backtest_intake.h"
#include "actors/http/headers.h"
#include "actors/http/server.h"
#include "actors/http/tune_intake.h"
#include "actors/kit/clock.h"
#include "actors/kit/log.h"

enum { STRAY_BODY_MAX = 65536 }; /* of a request that should have none */

struct request {
    bridge_t *bridge;
    struct MHD_Connection *connection; /* NULL once libmicrohttpd is done with it */
    unsigned refs;
    const route_t *route;
    char id[REQUEST_ID_MAX + 1];
    traceparent_t trace;
    struct query query;
    struct workspace workspace;
    tm_uuid_t id_in_path;
    size_t body_size;
    int64_t started_us;

    bool has_run, has_left, is_suspended, is_queued;
    struct MHD_Response *response; /* the answer, until it is queued */
    unsigned status;
    struct {
        const char *name;
        char value[256];
    } headers[8]; /* added by the handler */
    size_t header_count;

    void *state;
    void (*state_destroy)(void *state);
    request_t *links[2];
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

const traceparent_t *
request_trace(const request_t *self)
{
    return &self->trace;
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

bool
request_is_gone(const request_t *self)
{
    return !self->connection || self->has_left || self->response || self->is_queued;
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
    free(self);
}

void
request_ended(request_t **self_p)
{
    (*self_p)->connection = NULL;
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
    if (found.count == 1)
        self->trace = found.trace;
    else
        traceparent_start(&self->trace);
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
    self->refs = 1;
    self->started_us = clock_us();
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
    if (strlen(key) != key_size)
        return MHD_YES; /* no name of ours */
    if (!value || strlen(value) != value_size)
        value = "";
    if (strcmp(key, "workspace_id") == 0 && request->route->access != ACCESS_OPEN)
        workspace_say(&request->workspace, "query.workspace_id", value, strlen(value),
                      &self->problem);
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

static void
read_arguments(request_t *self)
{
    struct arguments arguments = {.request = self};

    if (self->route->access != ACCESS_OPEN)
        request_headers(self, "X-Workspace-Id", on_workspace_header, &arguments);
    MHD_get_connection_values_n(self->connection, MHD_GET_ARGUMENT_KIND, on_argument,
                                &arguments);
    query_end(&self->query, self->route->query, &arguments.problem);
    if (self->route->access == ACCESS_WORKSPACE)
        workspace_settle(&self->workspace, self->bridge->settings, &arguments.problem);
    if (arguments.problem.err)
        request_problem(self, &arguments.problem);
}

void
request_begin(request_t *self)
{
    if (self->response)
        return;
    if (server_is_full(self->bridge->server)) {
        request_fail(self, TM_BUSY, "this server has as many connections as it takes");
        return;
    }
    read_arguments(self);
    if (!self->response && self->route->body == BODY_TUNE)
        tune_intake_begin(self);
    if (!self->response && self->route->body == BODY_BACKTEST)
        backtest_intake_begin(self);
}

bool
request_body(request_t *self, const char *data, size_t size)
{
    if (self->route && self->route->body == BODY_TUNE && self->state)
        return tune_intake_body(self, data, size);
    if (self->route && self->route->body == BODY_BACKTEST && self->state)
        return backtest_intake_body(self, data, size);
    self->body_size += size;
    return self->body_size <= STRAY_BODY_MAX;
}

void
request_run(request_t *self)
{
    if (self->has_run || self->response)
        return;
    self->has_run = true;
    if (self->bridge->pg)
        self->route->run(self);
    else
        request_fail(self, TM_DRAINING, ""); /* the process is on its way out */
}

/* --- answering ---------------------------------------------------------------------------- */

void
request_add_header(request_t *self, const char *name, const char *value)
{
    assert(self->header_count < sizeof(self->headers) / sizeof(self->headers[0]));
    self->headers[self->header_count].name = name;
    snprintf(self->headers[self->header_count].value, sizeof(self->headers[0].value), "%s",
             value);
    self->header_count++;
}

static void
add_headers(request_t *self, const char *type)
{
    static const char *const fixed[][2] = {
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "strict-origin-when-cross-origin"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"Cache-Control", "no-store"},
    };
    char trace[TRACEPARENT_TEXT];

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        MHD_add_response_header(self->response, fixed[i][0], fixed[i][1]);
    MHD_add_response_header(self->response, "Content-Type", type);
    MHD_add_response_header(self->response, "X-Request-Id", self->id);
    MHD_add_response_header(self->response, "traceparent",
                            traceparent_text(&self->trace, trace));
    if (server_is_behind_tls(self))
        MHD_add_response_header(self->response, "Strict-Transport-Security",
                                "max-age=31536000");
    if (self->bridge->is_draining)
        MHD_add_response_header(self->response, "Connection", "close");
    for (size_t i = 0; i < self->header_count; i++)
        MHD_add_response_header(self->response, self->headers[i].name, self->headers[i].value);
}

void
request_reply(request_t *self, unsigned status, const char *type, char **text_p, size_t size)
{
    char *text = *text_p;

    *text_p = NULL;
    if (request_is_gone(self)) {
        free(text);
        return;
    }
    self->response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (!self->response) { /* no memory: closing is all that is left */
        free(text);
        request_leave(self);
        return;
    }
    self->status = status;
    add_headers(self, type);
    if (self->is_suspended)
        server_resume(self->bridge->server, self);
    self->is_suspended = false;
}

void
request_problem(request_t *self, const struct problem *problem)
{
    uint32_t retry_after_s = problem_retry_after_s(problem);
    char *text = problem_render(problem);
    char seconds[16];

    if (retry_after_s && !request_is_gone(self)) {
        snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
        request_add_header(self, "Retry-After", seconds);
    }
    request_reply(self, (unsigned)tm_err_http(problem->err), PROBLEM_TYPE, &text, strlen(text));
}

void
request_fail(request_t *self, tm_err_t err, const char *detail)
{
    struct problem problem;

    problem_init(&problem, err, "%s", detail);
    request_problem(self, &problem);
}

void
request_suspend(request_t *self)
{
    self->is_suspended = true;
    server_suspend(self->bridge->server, self);
}

void
request_leave(request_t *self)
{
    self->has_left = true;
    if (self->is_suspended)
        server_resume(self->bridge->server, self);
    self->is_suspended = false;
}

static void
count(const request_t *self)
{
    const char *route = self->route ? self->route->id : "none";
    char code[8];

    snprintf(code, sizeof(code), "%u", self->status);
    meters_add(self->bridge->metrics, METRIC_HTTP_REQUESTS, route, 1);
    meters_add(self->bridge->metrics, METRIC_HTTP_CODES, code, 1);
    meters_observe_us(self->bridge->metrics, METRIC_HTTP_SECONDS, route,
                      clock_us() - self->started_us);
    log_debug("http.answered", "route=%s status=%u trace=%s request=%s", route, self->status,
              self->trace.trace_id, self->id);
}

enum MHD_Result
request_queue(request_t *self)
{
    enum MHD_Result result = MHD_queue_response(self->connection, self->status, self->response);

    MHD_destroy_response(self->response);
    self->response = NULL;
    self->is_queued = true;
    count(self);
    return result;
}
