#include "actors/http/core/answer.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "actors/http/core/client_address.h"
#include "actors/http/core/request_inner.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry.h"
#include "actors/kit/util/clock.h"

#define PAGE_POLICY                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

void
answer_header(request_t *self, const char *name, const char *value)
{
    assert(self->header_count < REQUEST_HEADERS);
    self->headers[self->header_count].name = name;
    self->headers[self->header_count].value = tm_str_dup(tm_str(value));
    self->header_count++;
}

static bool
has_header(const request_t *self, const char *name)
{
    for (size_t i = 0; i < self->header_count; i++)
        if (strcasecmp(self->headers[i].name, name) == 0)
            return true;
    return false;
}

static const char *const fixed_headers[][2] = {
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "strict-origin-when-cross-origin"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
};
enum { FIXED_HEADERS = sizeof(fixed_headers) / sizeof(fixed_headers[0]) };

static void
add_headers(request_t *self, const char *type)
{
    char trace[TRACEPARENT_TEXT];

    for (size_t i = 0; i < FIXED_HEADERS; i++)
        if (!has_header(self, fixed_headers[i][0]))
            MHD_add_response_header(self->response, fixed_headers[i][0], fixed_headers[i][1]);
    if (!has_header(self, "Cache-Control"))
        MHD_add_response_header(self->response, "Cache-Control", "no-store");
    MHD_add_response_header(self->response, "Content-Type", type);
    MHD_add_response_header(self->response, "X-Request-Id", self->id);
    MHD_add_response_header(self->response, "traceparent",
                            traceparent_text(&self->trace, trace));
    if (client_address_is_behind_tls(self->connection))
        MHD_add_response_header(self->response, "Strict-Transport-Security",
                                "max-age=31536000");
    if (self->bridge->is_draining)
        MHD_add_response_header(self->response, "Connection", "close");
    for (size_t i = 0; i < self->header_count; i++)
        MHD_add_response_header(self->response, self->headers[i].name, self->headers[i].value);
}

static void
set_response(request_t *self, unsigned status, const char *type, struct MHD_Response *response)
{
    if (!response) { /* no memory: closing is all that is left */
        request_leave(self);
        return;
    }
    self->response = response;
    self->status = status;
    add_headers(self, type);
    if (self->is_suspended)
        connections_resume(self->bridge->connections, self->connection);
    self->is_suspended = false;
}

void
answer_text(request_t *self, unsigned status, const char *type, char **text_p, size_t size)
{
    char *text = *text_p;
    struct MHD_Response *response;

    *text_p = NULL;
    if (request_is_gone(self)) {
        free(text);
        return;
    }
    response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(text);
    set_response(self, status, type, response);
}

void
answer_static(request_t *self, unsigned status, const char *type, const void *data, size_t size)
{
    if (!request_is_gone(self))
        set_response(self, status, type,
                     MHD_create_response_from_buffer(size, (void *)(uintptr_t)data,
                                                     MHD_RESPMEM_PERSISTENT));
}

static void
drop_shared(void *cls)
{
    shared_body_t *body = cls;

    shared_body_destroy(&body);
}

void
answer_shared(request_t *self, unsigned status, const char *type, shared_body_t *body)
{
    const tm_str_t content = shared_body_content(body);
    struct MHD_Response *response;

    if (request_is_gone(self))
        return;
    shared_body_ref(body);
    response = MHD_create_response_from_buffer_with_free_callback_cls(
        content.size, (void *)(uintptr_t)content.data, drop_shared, body);
    if (!response)
        shared_body_destroy(&body);
    set_response(self, status, type, response);
}

void
answer_page(request_t *self, unsigned status, char **html_p, size_t size)
{
    if (!request_is_gone(self) && !has_header(self, "Content-Security-Policy"))
        answer_header(self, "Content-Security-Policy", PAGE_POLICY);
    answer_text(self, status, "text/html; charset=utf-8", html_p, size);
}

void
answer_redirect(request_t *self, const char *location)
{
    char *text = tm_str_dup(tm_str(""));

    if (!request_is_gone(self))
        answer_header(self, "Location", location);
    answer_text(self, MHD_HTTP_SEE_OTHER, "text/plain", &text, 0);
}

/* Our own failures, which no client could have avoided. That something is away (503) is a
 * matter of metrics and alerts. */
static void
tell_failure(const request_t *self, const struct problem *problem)
{
    const route_t *route = self->route;
    const int status = tm_err_http(problem->err);

    if (status < 500 || status == MHD_HTTP_SERVICE_UNAVAILABLE || request_is_gone(self))
        return;
    log_trace(&self->trace);
    sentry_capture(&(struct sentry_event){.type = "http.failed",
                                          .level = "error",
                                          .reason = tm_err_name(problem->err),
                                          .value = route ? route->id : "none"});
}

void
answer_problem(request_t *self, const struct problem *problem)
{
    uint32_t retry_after_s = problem_retry_after_s(problem);
    char *text = problem_render(problem, self->trace.trace_id);
    char seconds[16];

    tell_failure(self, problem);
    if (retry_after_s && !request_is_gone(self)) {
        snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
        answer_header(self, "Retry-After", seconds);
    }
    answer_text(self, (unsigned)tm_err_http(problem->err), PROBLEM_TYPE, &text, strlen(text));
}

void
answer_fail(request_t *self, tm_err_t err, const char *detail)
{
    struct problem problem;

    problem_init(&problem, err, "%s", detail);
    answer_problem(self, &problem);
}

void
answer_json(request_t *self, char **text_p)
{
    if (*text_p)
        answer_text(self, MHD_HTTP_OK, JSON_TYPE, text_p, strlen(*text_p));
    else
        answer_fail(self, TM_NO_MEMORY, "");
}

static void
tell_transaction(request_t *self)
{
    const route_t *route = self->route;
    struct sentry_notes *notes = request_notes(self);
    char name[128], id[TM_UUID_TEXT];

    if (notes) {
        snprintf(name, sizeof(name), "%s %s", route ? route->method : "any",
                 route ? route->path : "unknown");
        sentry_data_number(notes, "http.response.status_code", self->status);
        if (!tm_uuid_is_nil(&self->workspace.id))
            sentry_tag(notes, "workspace_id", tm_uuid_text(&self->workspace.id, id));
    }
    sentry_transaction(&(struct sentry_transaction){.name = notes ? name : "",
                                                    .source = "route",
                                                    .op = "http.server",
                                                    .http = (int)self->status,
                                                    .trace = &self->trace,
                                                    .took_us = clock_us() - self->started_us,
                                                    .notes = notes});
}

static void
count_answer(request_t *self)
{
    const char *route = self->route ? self->route->id : "none";
    char code[8];

    snprintf(code, sizeof(code), "%u", self->status);
    meters_add(self->bridge->metrics, METRIC_HTTP_REQUESTS, route, 1);
    meters_add(self->bridge->metrics, METRIC_HTTP_CODES, code, 1);
    meters_observe_us(self->bridge->metrics, METRIC_HTTP_SECONDS, route,
                      clock_us() - self->started_us);
    log_trace(&self->trace);
    tell_transaction(self);
    log_debug("http.answered", "route=%s status=%u request=%s", route, self->status, self->id);
    log_trace(NULL);
}

enum MHD_Result
answer_queue(request_t *self)
{
    enum MHD_Result result = MHD_queue_response(self->connection, self->status, self->response);

    MHD_destroy_response(self->response);
    self->response = NULL;
    self->is_queued = true;
    count_answer(self);
    return result;
}

/* --- handing over ------------------------------------------------------------------------- */

char *
answer_common_headers(const request_t *self)
{
    char trace[TRACEPARENT_TEXT];
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);

    if (!file)
        abort();
    for (size_t i = 0; i < FIXED_HEADERS; i++)
        fprintf(file, "%s: %s\r\n", fixed_headers[i][0], fixed_headers[i][1]);
    fprintf(file, "X-Request-Id: %s\r\ntraceparent: %s\r\n", self->id,
            traceparent_text(&self->trace, trace));
    if (client_address_is_behind_tls(self->connection))
        fprintf(file, "Strict-Transport-Security: max-age=31536000\r\n");
    fclose(file);
    return text;
}

/* libmicrohttpd closes its own descriptor, and with it nothing: the copy holds the connection.
 */
int
answer_take_connection(request_t *self)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(self->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int fd = info ? fcntl(info->connect_fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (fd < 0)
        return -1;
    self->has_left = true;
    self->status = MHD_HTTP_OK;
    count_answer(self);
    return fd;
}
