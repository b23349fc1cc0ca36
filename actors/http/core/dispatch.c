#include "actors/http/core/dispatch.h"

#include <string.h>

#include "actors/http/core/answer.h"
#include "actors/http/core/body.h"
#include "actors/http/core/request_inner.h"
#include "actors/kit/runtime/log.h"

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
find_route(request_t *self, const char *method, const char *path)
{
    struct route_match match;
    tm_err_t err = route_find(self->bridge->routes, method, path, &match);

    self->route = err ? NULL : match.route;
    if (match.name.size)
        memcpy(self->name_in_path, match.name.data, match.name.size);
    if (err == TM_METHOD_NOT_ALLOWED)
        answer_header(self, "Allow", match.allow);
    if (err)
        answer_fail(self, err, "");
    else if (match.id.size && tm_uuid_parse(match.id.data, match.id.size, &self->id_in_path)) {
        struct problem problem = {0};

        problem_add(&problem, TM_VALIDATION_FAILED, "path.id", "is not a UUID");
        answer_problem(self, &problem);
    }
}

request_t *
dispatch_new(bridge_t *bridge, struct MHD_Connection *connection, const char *method,
             const char *path)
{
    request_t *self = request_new(bridge, connection, method, path);

    if (has_two_ends(self)) {
        answer_header(self, "Connection", "close");
        answer_fail(self, TM_BAD_REQUEST, "the size of the body is said more than once");
    } else {
        find_route(self, method, path);
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
    if (!self->bridge->admit(self, &self->workspace))
        return;
    if (self->route->access == ACCESS_WORKSPACE || self->route->access == ACCESS_STREAM)
        workspace_settle(&self->workspace, self->bridge->settings, &arguments.problem);
    if (arguments.problem.err)
        answer_problem(self, &arguments.problem);
}

bool
dispatch_need_workspace(request_t *self)
{
    struct problem problem = {0};

    workspace_settle(&self->workspace, self->bridge->settings, &problem);
    if (problem.err)
        answer_problem(self, &problem);
    return !problem.err;
}

void
dispatch_begin(request_t *self, bool is_full)
{
    if (self->response)
        return;
    request_resume(self);
    if (is_full) {
        answer_fail(self, TM_BUSY, "this server has as many connections as it takes");
        return;
    }
    read_arguments(self);
    if (!self->response && self->route->ops->begin)
        self->route->ops->begin(self);
}

bool
dispatch_body(request_t *self, const char *data, size_t size)
{
    const struct route_ops *ops =
        self->route && !self->response ? self->route->ops : &plain_ops;

    return ops->body(self, data, size);
}

void
dispatch_run(request_t *self)
{
    if (self->has_run || self->response)
        return;
    self->has_run = true;
    request_resume(self);
    if (self->is_too_large)
        answer_fail(self, TM_TOO_LARGE, "the body is larger than 64 KiB");
    else if (self->bridge->pg)
        self->route->run(self);
    else
        answer_fail(self, TM_DRAINING, ""); /* the process is on its way out */
    log_trace(NULL);
}

void
dispatch_drain(request_t *self)
{
    if (self->route && self->route->ops->drain)
        self->route->ops->drain(self);
}
