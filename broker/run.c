#include "actors/kit/sentry/sentry.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "broker/broker_inner.h"

enum { DRAIN_MS = 10000, DRAIN_TICK_MS = 50, HIGH_WATER = 10000, READ_AT_ONCE = 1000 };

static const struct pg_statement statements[STMT_COUNT] = {
#define S(NAME, params, sql) [STMT_##NAME] = {#NAME, params, sql},
    BROKER_STATEMENTS(S)
#undef S
};

static void
on_database_up(void *arg)
{
    broker_t *self = arg;

    timers_database_up(&self->timers);
}

static void
on_database_down(void *arg)
{
    (void)arg;
    log_warn("store.down", "what=\"submits wait until the database is back\"");
}

static void
on_notify(void *arg, const char *payload)
{
    broker_t *self = arg;

    controls_notify(&self->controls, payload);
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
                                 .on_notify = on_notify,
                                 .arg = self};

    self->context.pg = pg_new(self->context.loop, &options);
}

/* The end of a turn. */
static void
on_turn(void *arg)
{
    broker_t *self = arg;

    store_reconcile(&self->store);
    store_flush(&self->store);
    dataset_chunks_flush(&self->chunks);
    peers_flush(&self->peers);
}

static void
join_queue_room(broker_t *self)
{
    self->queues = (queues_t){.context = &self->context};
    queues_init(&self->queues);
    self->workers = (workers_t){.queues = &self->queues};
    workers_init(&self->workers);
    self->sole_broker = (sole_broker_t){.context = &self->context, .queues = &self->queues};
    self->dispatch = (dispatch_t){.context = &self->context,
                                  .peers = &self->peers,
                                  .queues = &self->queues,
                                  .workers = &self->workers,
                                  .sole_broker = &self->sole_broker,
                                  .on_lost = broker_on_lost,
                                  .lost_arg = self};
    leases_init(&self->dispatch.leases);
}

static void
join_store_room(broker_t *self)
{
    self->store = (store_t){.context = &self->context,
                            .dispatch = &self->dispatch,
                            .sole_broker = &self->sole_broker,
                            .submits = {.context = &self->context,
                                        .workers = &self->workers,
                                        .ops = &intake_ops,
                                        .ops_arg = &self->intake},
                            .completions = {.context = &self->context,
                                            .peers = &self->peers,
                                            .dispatch = &self->dispatch,
                                            .ops = &lookup_ops,
                                            .ops_arg = &self->lookup},
                            .claims = {.context = &self->context, .dispatch = &self->dispatch}};
    store_init(&self->store);
    self->chunks = (dataset_chunks_t){.context = &self->context, .peers = &self->peers};
    dataset_chunks_init(&self->chunks);
}

static void
join_jobs_room(broker_t *self)
{
    self->subscriptions = (subscriptions_t){.context = &self->context, .peers = &self->peers};
    subscriptions_init(&self->subscriptions);
    self->lookup = (lookup_t){.context = &self->context,
                              .peers = &self->peers,
                              .leases = &self->dispatch.leases,
                              .subscriptions = &self->subscriptions};
    self->controls = (controls_t){.context = &self->context,
                                  .peers = &self->peers,
                                  .dispatch = &self->dispatch,
                                  .lookup = &self->lookup};
    self->intake = (intake_t){.context = &self->context,
                              .peers = &self->peers,
                              .dispatch = &self->dispatch,
                              .submits = &self->store.submits,
                              .lookup = &self->lookup,
                              .controls = &self->controls};
    self->child_jobs = (child_jobs_t){.context = &self->context,
                                      .peers = &self->peers,
                                      .dispatch = &self->dispatch,
                                      .submits = &self->store.submits,
                                      .completions = &self->store.completions,
                                      .lookup = &self->lookup,
                                      .controls = &self->controls};
    self->calls =
        (calls_t){.context = &self->context, .peers = &self->peers, .workers = &self->workers};
    calls_init(&self->calls);
}

static broker_t *
broker_new(loop_t *loop, const settings_t *settings, meters_t *metrics, zsock_t *socket)
{
    broker_t *self = zmalloc(sizeof(*self));

    self->context = (context_t){.settings = settings,
                                .metrics = metrics,
                                .loop = loop,
                                .id = tm_uuid_new(),
                                .now_ms = clock_ms()};
    self->peers = (peers_t){.context = &self->context,
                            .socket = socket,
                            .on_gone = broker_on_peer_gone,
                            .gone_arg = self};
    peers_init(&self->peers);
    join_queue_room(self);
    join_store_room(self);
    join_jobs_room(self);
    self->timers = (timers_t){.context = &self->context,
                              .peers = &self->peers,
                              .dispatch = &self->dispatch,
                              .sole_broker = &self->sole_broker,
                              .store = &self->store,
                              .controls = &self->controls,
                              .calls = &self->calls,
                              .on_turn = on_turn,
                              .turn_arg = self,
                              .ready_fd = -1};
    open_database(self);
    timers_start(&self->timers);
    self->relay = (metrics_relay_t){.context = &self->context, .peers = &self->peers};
    metrics_relay_init(&self->relay);
    return self;
}

static void
broker_destroy(broker_t **self_p)
{
    broker_t *self = *self_p;

    if (!self)
        return;
    pg_destroy(&self->context.pg); /* units in flight come back here first */
    store_fini(&self->store);
    dataset_chunks_fini(&self->chunks);
    subscriptions_fini(&self->subscriptions);
    leases_fini(&self->dispatch.leases);
    queues_fini(&self->queues);
    workers_fini(&self->workers);
    calls_fini(&self->calls);
    timers_fini(&self->timers);
    peers_fini(&self->peers);
    metrics_relay_fini(&self->relay);
    free(self);
    *self_p = NULL;
}

static tm_str_t
frame_content(zmq_msg_t *frame)
{
    return (tm_str_t){zmq_msg_data(frame), zmq_msg_size(frame)};
}

/* The pairs of one message, each handled as it is read. After a bad one the rest is skipped:
 * what follows it may be anything. */
static void
receive_pairs(broker_t *self, peer_t *from, void *socket, zmq_msg_t *header, zmq_msg_t *body)
{
    bool is_good = true;

    do {
        if (zmq_msg_recv(header, socket, 0) < 0)
            return;
        is_good = is_good && security_hears(self->security, &from, header);
        if (!zmq_msg_more(header)) {
            if (is_good)
                broker_refuse_lone_header(self, from);
            return;
        }
        if (zmq_msg_recv(body, socket, 0) < 0)
            return;
        is_good =
            is_good && broker_receive(self, from, frame_content(header), frame_content(body));
    } while (zmq_msg_more(body));
}

static bool
receive_message(broker_t *self, void *socket)
{
    zmq_msg_t route, header, body;
    bool is_there;

    zmq_msg_init(&route);
    zmq_msg_init(&header);
    zmq_msg_init(&body);
    is_there = zmq_msg_recv(&route, socket, ZMQ_DONTWAIT) >= 0;
    if (is_there) {
        peer_t *from = peers_touch(&self->peers, zmq_msg_data(&route), zmq_msg_size(&route));
        if (zmq_msg_more(&route))
            receive_pairs(self, from, socket, &header, &body);
        child_jobs_end_of_message(&self->child_jobs);
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
    for (int i = 0;
         i < READ_AT_ONCE && receive_message(self, zsock_resolve(self->peers.socket)); i++)
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

    if (!store_is_idle(&self->store) || self->timers.beat_sent)
        return;
    self->timers.beat_sent = true; /* no beat after the end */
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

static void
on_drain(void *arg)
{
    broker_t *self = arg;

    self->context.is_draining = true;
    log_info("broker.draining", "submits=%zu endings=%zu", self->store.submits.waiting.count,
             self->store.completions.waiting.count);
    loop_timer(self->context.loop, DRAIN_TICK_MS, true, on_drain_tick, self);
    loop_timer(self->context.loop, DRAIN_MS, false, on_drain_over, self);
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
        security_attach(security, &self->peers, broker_on_revise, self);
    self->timers.ready_fd = ready_fd;
    loop_socket(loop, socket, on_readable, self);
    loop_after(loop, on_turn, self);
    loop_signals(loop, on_drain, self);
    loop_spin(loop, settings->broker_spin_us);
    loop_run(loop);
    return self->timers.exit_status;
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
