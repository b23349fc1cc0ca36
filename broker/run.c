#include "broker/broker.h"
#include "broker/core.h"

enum { HIGH_WATER = 10000, READ_AT_ONCE = 1000 };

static const struct pg_statement statements[STMT_COUNT] = {
#define S(NAME, params, sql) [STMT_##NAME] = {#NAME, params, sql},
    BROKER_STATEMENTS(S)
#undef S
};

static void
destroy_queue(void **item_p)
{
    queue_destroy((queue_t **)item_p);
}

static void
destroy_put(void **item_p)
{
    put_destroy((put_t **)item_p);
}

broker_t *
broker_new(loop_t *loop, const settings_t *settings, meters_t *metrics, pg_t *pg,
           zsock_t *socket)
{
    broker_t *self = zmalloc(sizeof(*self));

    self->settings = settings;
    self->metrics = metrics;
    self->loop = loop;
    self->pg = pg;
    self->socket = socket;
    self->id = tm_uuid_new();
    snprintf(self->endpoint, sizeof(self->endpoint), "%s", settings->broker_listen);
    self->now_ms = clock_ms();
    peers_init(self);
    calls_init(self);
    self->queues = zhashx_new();
    zhashx_set_destructor(self->queues, destroy_queue);
    self->workers = uuid_map_new(offsetof(worker_t, id));
    self->leases = uuid_map_new(offsetof(lease_t, job));
    self->watches = uuid_map_new(0);
    self->submitting = uuid_map_new(offsetof(submit_t, fields.job));
    self->pieces = zlistx_new();
    zlistx_set_destructor(self->pieces, destroy_put);
    upkeep_start(self);
    reports_start(self);
    return self;
}

static void
free_all(fifo_t *list)
{
    void *item;

    while ((item = fifo_take(list)))
        free(item);
}

void
broker_destroy(broker_t **self_p)
{
    broker_t *self = *self_p;
    void *item;

    if (!self)
        return;
    uuid_map_destroy(&self->submitting);
    free_all(&self->submits);
    free_all(&self->endings);
    zlistx_destroy(&self->pieces);
    audience_fini(self);
    for (size_t at = 0; (item = uuid_map_next(self->leases, &at));)
        free(item);
    uuid_map_destroy(&self->leases);
    zhashx_destroy(&self->queues);
    for (size_t at = 0; (item = uuid_map_next(self->workers, &at));)
        worker_destroy((worker_t **)&item);
    uuid_map_destroy(&self->workers);
    calls_fini(self);
    free(self->workers_told);
    peers_fini(self);
    reports_fini(self);
    free(self);
    *self_p = NULL;
}

void
broker_turn(broker_t *self)
{
    store_reconcile(self);
    store_flush(self);
    pieces_flush(self);
    peers_flush(self);
}

void
broker_log_trace(tm_str_t traceparent)
{
    traceparent_t trace;

    if (traceparent_parse(traceparent.data, traceparent.size, &trace))
        log_trace(&trace);
}

static void
on_turn(void *arg)
{
    broker_turn(arg);
}

static tm_str_t
content(zmq_msg_t *frame)
{
    return (tm_str_t){zmq_msg_data(frame), zmq_msg_size(frame)};
}

static void
refuse_lone_header(broker_t *self)
{
    meters_add(self->metrics, METRIC_MESSAGES_BAD, tm_err_name(TM_BAD_MESSAGE), 1);
    peers_reject(self, self->from->id, 0, TM_BAD_MESSAGE,
                 "a body frame must follow each header frame", 0);
}

/* The pairs of one message, each handled as it is read. After a bad one the rest is skipped:
 * what follows it may be anything. */
static void
receive_pairs(broker_t *self, void *socket, zmq_msg_t *header, zmq_msg_t *body)
{
    bool is_good = true;

    do {
        if (zmq_msg_recv(header, socket, 0) < 0)
            return;
        is_good = is_good && security_hears(self, header);
        if (!zmq_msg_more(header)) {
            if (is_good)
                refuse_lone_header(self);
            return;
        }
        if (zmq_msg_recv(body, socket, 0) < 0)
            return;
        if (is_good) {
            tm_msg_type_t type = actor_dispatch_pair(broker_type(), self, self->metrics, self,
                                                     content(header), content(body));
            is_good = type != TM_MSG_NONE;
            if (type != TM_MSG_LIMIT)
                self->received[type]++;
        }
    } while (zmq_msg_more(body));
}

static bool
receive(broker_t *self, void *socket)
{
    zmq_msg_t route, header, body;
    bool is_there;

    zmq_msg_init(&route);
    zmq_msg_init(&header);
    zmq_msg_init(&body);
    is_there = zmq_msg_recv(&route, socket, ZMQ_DONTWAIT) >= 0;
    if (is_there) {
        self->from = peers_touch(self, zmq_msg_data(&route), zmq_msg_size(&route));
        if (zmq_msg_more(&route))
            receive_pairs(self, socket, &header, &body);
        spawns_end_of_message(self);
        self->from = NULL;
    }
    zmq_msg_close(&route);
    zmq_msg_close(&header);
    zmq_msg_close(&body);
    return is_there;
}

static void
on_readable(void *arg)
{
    broker_t *self = arg;

    self->now_ms = clock_ms();
    for (int i = 0; i < READ_AT_ONCE && receive(self, zsock_resolve(self->socket)); i++)
        continue;
}

static zsock_t *
make_socket(void)
{
    zsock_t *socket = zsock_new(ZMQ_ROUTER);

    zsock_set_router_mandatory(socket, 1);
    zsock_set_router_handover(socket, 0);
    zsock_set_linger(socket, 500);
    zsock_set_sndhwm(socket, HIGH_WATER);
    zsock_set_rcvhwm(socket, HIGH_WATER);
    zsock_set_maxmsgsize(socket, (int)(TM_BODY_MAX + TM_HEADER_MAX));
    zsock_set_heartbeat_ivl(socket, 2000);
    zsock_set_heartbeat_timeout(socket, 6000);
    zsock_set_handshake_ivl(socket, 5000);
    return socket;
}

static tm_err_t
bind_socket(zsock_t *socket, const settings_t *settings)
{
    if (zsock_bind(socket, "%s", settings->broker_listen) >= 0)
        return TM_OK;
    log_error("broker.bind", "endpoint=%s reason=\"%s\"", settings->broker_listen,
              zmq_strerror(zmq_errno()));
    return TM_BAD_SETTING;
}

/* --- the process -------------------------------------------------------------------------- */

typedef struct {
    service_t *service;
    zsock_t *socket;
    security_t *security;
    broker_t *broker;
} process_t;

static void
on_ready(void *arg)
{
    service_ready(arg, "ready");
}

static tm_err_t
start(void *state, service_t *service)
{
    process_t *self = state;
    const settings_t *settings = service->settings;
    tm_err_t err;

    self->socket = make_socket();
    err =
        security_open(service->loop, settings, service->meters, self->socket, &self->security);
    if (!err)
        err = bind_socket(self->socket, settings);
    if (err)
        return err;
    self->broker =
        broker_new(service->loop, settings, service->meters, service->pg, self->socket);
    self->broker->on_ready = on_ready;
    self->broker->ready_arg = service;
    security_attach(self->security, self->broker);
    loop_socket(service->loop, self->socket, on_readable, self->broker);
    loop_after(service->loop, on_turn, self->broker);
    loop_spin(service->loop, settings->broker_spin_us);
    return TM_OK;
}

static void
on_database_up(void *state)
{
    const process_t *self = state;

    upkeep_database_up(self->broker);
}

static void
on_database_down(void *state)
{
    (void)state;
    log_warn("store.down", "what=\"submits wait until the database is back\"");
}

static void
on_notify(void *state, const char *payload)
{
    const process_t *self = state;

    controls_notify(self->broker, payload);
}

static void
drain(void *state)
{
    const process_t *self = state;

    self->broker->is_draining = true;
}

static void
on_gone(void *arg, const struct pg_outcome *outcome)
{
    const broker_t *self = arg;

    log_info("broker.drained", "err=%s", tm_err_name(outcome->err));
    loop_stop(self->loop);
}

/* Everything accepted is written; then the row says so, and workers' jobs may be adopted at
 * once by the next broker. on_gone ends the loop. */
static bool
is_drained(void *state)
{
    const process_t *self = state;
    broker_t *broker = self->broker;
    pg_unit_t *unit;

    if (broker->units > 0 || broker->submits.count > 0 || broker->endings.count > 0 ||
        broker->beat_sent)
        return false;
    broker->beat_sent = true; /* no beat after the end */
    unit = pg_unit_new(broker->pg);
    pg_add(unit, STMT_BROKER_END);
    pg_uuid(unit, &broker->id);
    pg_send(&unit, on_gone, broker);
    return false;
}

static void
cut(void *state)
{
    (void)state;
    log_warn("broker.drain",
             "reason=\"not all could be written in time; producers ask again\"");
}

static void
stop(void *state)
{
    const process_t *self = state;

    service_end(self->service, self->broker->fate);
}

static void
fini(void *state)
{
    process_t *self = state;

    broker_destroy(&self->broker);
    security_destroy(&self->security);
    zsock_destroy(&self->socket);
}

const struct service_type broker_service = {
    .name = "broker",
    .state_size = sizeof(process_t),
    .metrics = SERVICE_UNREPORTED,
    .says_ready = true,
    .database = {.application = "tunemill broker",
                 .session = BROKER_SESSION,
                 .statements = statements,
                 .statement_count = STMT_COUNT,
                 .listen = "tunemill"},
    .start = start,
    .up = on_database_up,
    .down = on_database_down,
    .notify = on_notify,
    .drain = drain,
    .is_drained = is_drained,
    .drain_ms = 10000,
    .cut = cut,
    .stop = stop,
    .fini = fini,
};
