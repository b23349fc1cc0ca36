#include "broker/jobs/calls.h"

#include <string.h>

#include "actors/kit/util/fifo.h"
#include "actors/kit/util/memory.h"
#include "broker/base/texts.h"

struct service {
    char name[TM_NAME_MAX + 1];
    zlistx_t *servers; /* of worker_t, borrowed; rotates */
    fifo_t waiting;    /* of call_t: every server is busy */
};
typedef struct service service_t;

struct call {
    fifo_link_t link;
    uint64_t number;
    peer_id_t caller;
    uint64_t caller_ref;
    int64_t deadline_ms;
    service_t *service;
    tm_uuid_t server;
    bool is_sent;
    struct tm_call fields; /* of one that waits: its texts and body stand behind the struct */
    tm_str_t body;
};

enum { SERVICES_MAX = 1000 };

static void
destroy_service(void **item_p)
{
    service_t *self = *item_p;

    zlistx_destroy(&self->servers);
    free(self);
    *item_p = NULL;
}

static service_t *
service_of(calls_t *self, tm_str_t name, bool is_made)
{
    char key[TM_NAME_MAX + 1];
    service_t *service;

    if (name.size > TM_NAME_MAX)
        return NULL;
    memcpy(key, name.data, name.size);
    key[name.size] = '\0';
    service = zhashx_lookup(self->services, key);
    if (service || !is_made || zhashx_size(self->services) >= SERVICES_MAX)
        return service;
    service = zmalloc(sizeof(*service));
    memcpy(service->name, key, sizeof(key));
    service->servers = zlistx_new();
    zhashx_insert(self->services, key, service);
    return service;
}

/* --- the table of calls ------------------------------------------------------------------- */

static call_t *
find_call(const calls_t *self, uint64_t number)
{
    size_t slot = number & UINT32_MAX;
    call_t *call = slot < self->limit ? self->calls[slot] : NULL;

    return call && call->number == number ? call : NULL;
}

static void
keep_call(calls_t *self, call_t *call)
{
    size_t limit = self->limit;

    if (self->count == limit) {
        self->limit = limit ? 2 * limit : 64;
        self->calls = tm_grown(self->calls, self->limit * sizeof(call_t *));
        memset(self->calls + limit, 0, (self->limit - limit) * sizeof(call_t *));
        self->free_at = limit;
    }
    while (self->calls[self->free_at])
        self->free_at = (self->free_at + 1) % self->limit;
    call->number = ++self->seen << 32 | self->free_at;
    self->calls[self->free_at] = call;
    self->count++;
}

static void
remove_waiting(call_t *call)
{
    fifo_t *list = &call->service->waiting;
    size_t count = call->is_sent ? 0 : list->count;
    call_t *other;

    while (count-- > 0 && (other = fifo_take(list)))
        if (other != call)
            fifo_add(list, other);
}

static void
end_call(calls_t *self, call_t *call)
{
    worker_t *server = call->is_sent ? workers_find(self->workers, &call->server) : NULL;

    if (server && server->calls_used > 0)
        server->calls_used--;
    self->calls[call->number & UINT32_MAX] = NULL;
    self->free_at = call->number & UINT32_MAX;
    self->count--;
    free(call);
}

static void
tell_error(calls_t *self, peer_id_t caller, uint64_t ref, tm_err_t err, const char *detail)
{
    tm_msg_t msg = {.type = TM_MSG_ERROR,
                    .error = {.ref = ref,
                              .code = tm_str(tm_err_name(err)),
                              .detail = tm_str(detail ? detail : tm_err_text(err)),
                              .has_detail = true,
                              .retryable = tm_err_retryable(err)}};

    peers_send(self->peers, caller, &msg);
    meters_add(self->context->metrics, METRIC_CALLS, tm_err_name(err), 1);
}

/* --- forward ------------------------------------------------------------------------------ */

static worker_t *
find_free_server(service_t *service)
{
    for (worker_t *w = zlistx_first(service->servers); w; w = zlistx_next(service->servers)) {
        if (w->is_leaving || w->calls_used >= w->calls)
            continue;
        zlistx_move_end(service->servers, zlistx_cursor(service->servers));
        return w;
    }
    return NULL;
}

static void
send_call(calls_t *self, call_t *call, worker_t *server, const struct tm_call *fields,
          tm_str_t body)
{
    tm_msg_t msg = {.type = TM_MSG_CALL, .call = *fields, .body = body};

    msg.call.ref = call->number;
    msg.call.deadline_ms = call->deadline_ms > self->context->now_ms
                               ? (uint64_t)(call->deadline_ms - self->context->now_ms)
                               : 0;
    call->is_sent = true;
    call->server = server->id;
    server->calls_used++;
    peers_send(self->peers, server->peer, &msg);
}

static call_t *
call_new(const struct tm_call *fields, tm_str_t body, bool waits)
{
    size_t more = waits ? fields->traceparent.size + body.size : 0;
    call_t *self = tm_grown(NULL, sizeof(*self) + more);
    char *at = (char *)(self + 1);

    memset(self, 0, sizeof(*self));
    if (!waits)
        return self;
    self->fields = *fields;
    self->fields.traceparent = texts_copy(&at, fields->traceparent);
    self->body = texts_copy(&at, body);
    return self;
}

/* Is there a server that does not leave, busy or not? */
static bool
has_server(const service_t *service)
{
    for (worker_t *w = zlistx_first(service->servers); w; w = zlistx_next(service->servers))
        if (!w->is_leaving)
            return true;
    return false;
}

static tm_err_t
check_call(const calls_t *self, const service_t *service, const struct tm_call *fields,
           tm_str_t body)
{
    if (!service || !has_server(service))
        return TM_SERVICE_NOT_FOUND;
    if (!context_takes_body(self->context, body))
        return TM_TOO_LARGE;
    if (self->count >= (size_t)self->context->settings->broker_max_pending)
        return TM_BUSY;
    return fields->deadline_ms == 0 ? TM_TIMEOUT : TM_OK;
}

tm_err_t
calls_forward(const delivery_t *in)
{
    calls_t *self = in->self;
    const peer_t *from = in->peer;
    const struct tm_call *fields = &in->msg->call;
    tm_str_t body = in->msg->body;
    service_t *service = service_of(self, fields->service, false);
    tm_err_t err = check_call(self, service, fields, body);
    worker_t *server = err ? NULL : find_free_server(service);
    call_t *call;

    if (err) {
        tell_error(self, from->id, fields->ref, err, NULL);
        return TM_OK;
    }
    call = call_new(fields, body, server == NULL);
    call->caller = from->id;
    call->caller_ref = fields->ref;
    call->deadline_ms = self->context->now_ms + (int64_t)fields->deadline_ms;
    call->service = service;
    keep_call(self, call);
    if (server) {
        send_call(self, call, server, fields, body);
        return TM_OK;
    }
    call->fields.service = tm_str(service->name);
    fifo_add(&service->waiting, call);
    return TM_OK;
}

/* A server has a place free again. */
static void
send_waiting(calls_t *self, service_t *service)
{
    worker_t *server;
    call_t *call;

    while (service->waiting.count > 0 && (server = find_free_server(service)) &&
           (call = fifo_take(&service->waiting)))
        send_call(self, call, server, &call->fields, call->body);
}

/* --- back --------------------------------------------------------------------------------- */

/* The call of an answer, if it is its sender's to give. */
static call_t *
call_answered_by(const calls_t *self, const peer_t *from, uint64_t number)
{
    call_t *call = find_call(self, number);

    return call && call->is_sent && from->has_worker && tm_uuid_is(&call->server, &from->worker)
               ? call
               : NULL;
}

tm_err_t
calls_pass_back(const delivery_t *in)
{
    calls_t *self = in->self;
    tm_msg_t copy = *in->msg;
    bool is_return = copy.type == TM_MSG_RETURN;
    uint64_t *ref = is_return ? &copy.returned.ref : &copy.error.ref;
    call_t *call = call_answered_by(self, in->peer, *ref);
    service_t *service;

    if (!call)
        return TM_OK; /* too late, or not its own */
    service = call->service;
    *ref = call->caller_ref;
    peers_send(self->peers, call->caller, &copy);
    meters_add(self->context->metrics, METRIC_CALLS, is_return ? "returned" : "failed", 1);
    end_call(self, call);
    send_waiting(self, service);
    return TM_OK;
}

/* --- servers ------------------------------------------------------------------------------ */

void
calls_hello(calls_t *self, worker_t *worker, const struct tm_hello *hello)
{
    tm_str_t list = hello->services, name;
    service_t *service;

    calls_forget_server(self, worker, false);
    worker->calls = hello->has_calls ? hello->calls : 1;
    while (texts_cut_name(&list, &name))
        if ((service = service_of(self, name, true))) {
            zlistx_add_end(service->servers, worker);
            send_waiting(self, service);
        }
}

static bool
is_server(const service_t *service, const worker_t *worker)
{
    for (worker_t *w = zlistx_first(service->servers); w; w = zlistx_next(service->servers))
        if (w == worker)
            return true;
    return false;
}

const char *
calls_service(const calls_t *self, const worker_t *worker, size_t index)
{
    for (service_t *s = zhashx_first(self->services); s; s = zhashx_next(self->services))
        if (is_server(s, worker) && index-- == 0)
            return s->name;
    return NULL;
}

static void
leave_services(calls_t *self, const worker_t *worker)
{
    for (service_t *s = zhashx_first(self->services); s; s = zhashx_next(self->services))
        if (is_server(s, worker))
            zlistx_delete(s->servers, zlistx_cursor(s->servers));
}

void
calls_forget_server(calls_t *self, const worker_t *worker, bool is_lost)
{
    leave_services(self, worker);
    for (size_t i = 0; is_lost && i < self->limit; i++) {
        call_t *call = self->calls[i];
        if (!call || !call->is_sent || !tm_uuid_is(&call->server, &worker->id))
            continue;
        tell_error(self, call->caller, call->caller_ref, TM_WORKER_LOST,
                   "the server that had the call went away");
        end_call(self, call);
    }
}

void
calls_expire(calls_t *self)
{
    for (size_t i = 0; i < self->limit; i++) {
        call_t *call = self->calls[i];
        if (!call || call->deadline_ms > self->context->now_ms)
            continue;
        remove_waiting(call);
        tell_error(self, call->caller, call->caller_ref, TM_TIMEOUT, NULL);
        end_call(self, call);
    }
    for (service_t *s = zhashx_first(self->services); s; s = zhashx_next(self->services))
        send_waiting(self, s);
}

void
calls_init(calls_t *self)
{
    self->services = zhashx_new();
    zhashx_set_destructor(self->services, destroy_service);
}

void
calls_fini(calls_t *self)
{
    for (size_t i = 0; i < self->limit; i++)
        free(self->calls[i]);
    free(self->calls);
    zhashx_destroy(&self->services);
}
