#include "actors/kit/sentry/sentry.h"
#include "broker/broker.h"
#include "broker/core.h"

#include <unistd.h>

enum { DRAIN_MS = 10000, DRAIN_TICK_MS = 50, HIGH_WATER = 10000, READ_AT_ONCE = 1000 };

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
    dataset_chunk_destroy((dataset_chunk_t **)item_p);
}

static void
on_database_up(void *arg)
{
    timers_database_up(arg);
}

static void
on_database_down(void *arg)
{
    (void)arg;
    log_warn("store.down", "what=\"submits wait until the database is back\"");
}

static void
open_database(broker_t *self)
{
    const settings_t *settings = self->context.settings;
    struct pg_options options = {.url = settings->database_url,
                                 .application = "tunemill broker",
                                 .session = BROKER_SESSION,
                                 .statements = statements,
                                 .statement_count = STMT_COUNT,
                                 .connections = (int)settings->database_connections,
                                 .connect_timeout_ms =
                                     (int)settings->database_connect_timeout_ms,
                                 .max_backoff_ms = (int)settings->database_max_backoff_ms,
                                 .metrics = self->context.metrics,
                                 .on_up = on_database_up,
                                 .on_down = on_database_down,
                                 .listen = "tunemill",
                                 .on_notify = controls_notify,
                                 .arg = self};

    self->context.pg = pg_new(self->context.loop, &options);
}

broker_t *
broker_new(loop_t *loop, const settings_t *settings, meters_t *metrics, zsock_t *socket)
{
    broker_t *self = zmalloc(sizeof(*self));

    self->context.settings = settings;
    self->context.metrics = metrics;
    self->context.loop = loop;
    self->peers.socket = socket;
    self->ready_fd = -1;
    self->context.id = tm_uuid_new();
    self->context.now_ms = clock_ms();
    self->peers.context = &self->context;
    self->peers.on_gone = broker_peer_gone;
    self->peers.gone_arg = self;
    peers_init(&self->peers);
    calls_init(self);
    self->queues = zhashx_new();
    zhashx_set_destructor(self->queues, destroy_queue);
    self->workers = uuid_map_new(offsetof(worker_t, id));
    self->leases = uuid_map_new(offsetof(lease_t, job));
    self->watches = uuid_map_new(0);
    self->submitting = uuid_map_new(offsetof(submit_t, fields.job));
    self->pieces = zlistx_new();
    zlistx_set_destructor(self->pieces, destroy_put);
    open_database(self);
    timers_start(self);
    self->relay.context = &self->context;
    self->relay.peers = &self->peers;
    metrics_relay_init(&self->relay);
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
    pg_destroy(&self->context.pg); /* units in flight come back here first */
    uuid_map_destroy(&self->submitting);
    free_all(&self->submits);
    free_all(&self->completions);
    zlistx_destroy(&self->pieces);
    subscriptions_fini(self);
    for (size_t at = 0; (item = uuid_map_next(self->leases, &at));)
        free(item);
    uuid_map_destroy(&self->leases);
    zhashx_destroy(&self->queues);
    for (size_t at = 0; (item = uuid_map_next(self->workers, &at));)
        worker_destroy((worker_t **)&item);
    uuid_map_destroy(&self->workers);
    calls_fini(self);
    free(self->workers_told);
    peers_fini(&self->peers);
    metrics_relay_fini(&self->relay);
    free(self);
    *self_p = NULL;
}

void
broker_turn(broker_t *self)
{
    store_reconcile(self);
    store_flush(self);
    dataset_chunks_flush(self);
    peers_flush(&self->peers);
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
    meters_add(self->context.metrics, METRIC_MESSAGES_BAD, tm_err_name(TM_BAD_MESSAGE), 1);
    peers_reject(&self->peers, self->from->id, 0, TM_BAD_MESSAGE,
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
        is_good = is_good && security_hears(self->security, &self->from, header);
        if (!zmq_msg_more(header)) {
            if (is_good)
                refuse_lone_header(self);
            return;
        }
        if (zmq_msg_recv(body, socket, 0) < 0)
            return;
        if (is_good) {
            tm_msg_type_t type = actor_dispatch_pair(broker_type(), self, self->context.metrics,
                                                     self, content(header), content(body));
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
        self->from = peers_touch(&self->peers, zmq_msg_data(&route), zmq_msg_size(&route));
        if (zmq_msg_more(&route))
            receive_pairs(self, socket, &header, &body);
        child_jobs_end_of_message(self);
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

    self->context.now_ms = clock_ms();
    for (int i = 0; i < READ_AT_ONCE && receive(self, zsock_resolve(self->peers.socket)); i++)
        continue;
}

static void
on_gone(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;

    log_info("broker.drained", "err=%s", tm_err_name(outcome->err));
    loop_stop(self->context.loop);
}

/* Everything accepted is written; then the row says so, and workers' jobs may be adopted at
 * once by the next broker. */
static void
on_drain_tick(void *arg)
{
    broker_t *self = arg;
    pg_unit_t *unit;

    if (self->units > 0 || self->submits.count > 0 || self->completions.count > 0 ||
        self->beat_sent)
        return;
    self->beat_sent = true; /* no beat after the end */
    unit = pg_unit_new(self->context.pg);
    pg_add(unit, STMT_BROKER_END);
    pg_uuid(unit, &self->context.id);
    pg_send(&unit, on_gone, self);
}

static void
on_drain_over(void *arg)
{
    broker_t *self = arg;

    log_warn("broker.drain",
             "reason=\"not all could be written in time; producers ask again\"");
    loop_stop(self->context.loop);
}

void
broker_drain(broker_t *self)
{
    self->context.is_draining = true;
    log_info("broker.draining", "submits=%zu endings=%zu", self->submits.count,
             self->completions.count);
    loop_timer(self->context.loop, DRAIN_TICK_MS, true, on_drain_tick, self);
    loop_timer(self->context.loop, DRAIN_MS, false, on_drain_over, self);
}

static void
on_drain(void *arg)
{
    broker_drain(arg);
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

tm_err_t
broker_run_metered(const settings_t *settings, meters_t *metrics, int ready_fd)
{
    tm_auto(loop) loop = loop_new();
    tm_auto(zsock) socket = make_socket();
    tm_auto(security) security = NULL;
    tm_auto(broker) self = NULL;
    tm_err_t err = security_open(loop, settings, metrics, socket, &security);

    if (!err)
        err = bind_socket(socket, settings);
    if (err)
        return err;
    self = broker_new(loop, settings, metrics, socket);
    self->security = security;
    if (security)
        security_attach(security, &self->peers, broker_revise_peer, self);
    self->ready_fd = ready_fd;
    loop_socket(loop, socket, on_readable, self);
    loop_after(loop, on_turn, self);
    loop_signals(loop, on_drain, self);
    loop_spin(loop, settings->broker_spin_us);
    loop_run(loop);
    return self->exit_status;
}

tm_err_t
broker_run(const settings_t *settings, int ready_fd)
{
    tm_auto(meters) metrics = meters_new("broker");
    tm_err_t err;

    sentry_count(metrics);
    err = broker_run_metered(settings, metrics, ready_fd);
    sentry_count(NULL);
    return err;
}
