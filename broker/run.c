#include "actors/kit/util/clock.h"
#include "broker/broker_inner.h"

enum { HIGH_WATER = 10000, READ_AT_ONCE = 1000 };

static const struct pg_statement statements[STMT_COUNT] = {
#define S(NAME, params, sql) [STMT_##NAME] = {#NAME, params, sql},
    BROKER_STATEMENTS(S)
#undef S
};

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
                                  .lost_arg = self,
                                  .leases = uuid_map_new(offsetof(lease_t, job))};
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
                              .leases = self->dispatch.leases,
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

static void
on_ready(void *arg)
{
    service_ready(arg, "ready");
}

/* What is borrowed is set, and then the parts are opened. The socket is there already. */
static void
join_rooms(broker_t *self, service_t *service)
{
    self->context = (context_t){.settings = service->settings,
                                .metrics = service->meters,
                                .loop = service->loop,
                                .pg = service->pg,
                                .id = tm_uuid_new(),
                                .now_ms = clock_ms()};
    self->peers.context = &self->context;
    self->peers.on_gone = broker_on_peer_gone;
    self->peers.gone_arg = self;
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
                              .on_ready = on_ready,
                              .ready_arg = service};
    timers_start(&self->timers);
    self->relay = (metrics_relay_t){.context = &self->context, .peers = &self->peers};
    metrics_relay_init(&self->relay);
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

static tm_err_t
start(void *state, service_t *service)
{
    broker_t *self = state;
    const settings_t *settings = service->settings;
    zsock_t *socket = self->peers.socket = make_socket();
    tm_err_t err =
        security_open(service->loop, settings, service->meters, socket, &self->security);

    if (!err)
        err = bind_socket(socket, settings);
    if (err)
        return err;
    join_rooms(self, service);
    if (self->security)
        security_attach(self->security, &self->peers, broker_on_revise, self);
    loop_socket(service->loop, socket, on_readable, self);
    loop_after(service->loop, on_turn, self);
    loop_spin(service->loop, settings->broker_spin_us);
    return TM_OK;
}

static void
on_database_up(void *state)
{
    broker_t *self = state;

    timers_database_up(&self->timers);
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
    broker_t *self = state;

    controls_notify(&self->controls, payload);
}

static void
drain(void *state)
{
    broker_t *self = state;

    self->context.is_draining = true;
    log_info("broker.draining", "submits=%zu endings=%zu", self->store.submits.waiting.count,
             self->store.completions.waiting.count);
}

static void
on_gone(void *arg, const struct pg_outcome *outcome)
{
    const broker_t *self = arg;

    log_info("broker.drained", "err=%s", tm_err_name(outcome->err));
    loop_stop(self->context.loop);
}

/* Everything accepted is written; then the row says so, and workers' jobs may be adopted at
 * once by the next broker. on_gone ends the loop. */
static bool
is_drained(void *state)
{
    broker_t *self = state;
    pg_unit_t *unit;

    if (!store_is_idle(&self->store) || self->timers.beat_sent)
        return false;
    self->timers.beat_sent = true; /* no beat after the end */
    unit = pg_unit_new(self->context.pg);
    pg_add(unit, STMT_BROKER_END);
    pg_uuid(unit, &self->context.id);
    pg_send(&unit, on_gone, self);
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
    broker_t *self = state;

    service_end(self->service, self->timers.exit_status);
}

static void
fini(void *state)
{
    broker_t *self = state;

    store_fini(&self->store);
    dataset_chunks_fini(&self->chunks);
    subscriptions_fini(&self->subscriptions);
    uuid_map_end(&self->dispatch.leases, free);
    queues_fini(&self->queues);
    workers_fini(&self->workers);
    calls_fini(&self->calls);
    timers_fini(&self->timers);
    peers_fini(&self->peers);
    metrics_relay_fini(&self->relay);
    security_destroy(&self->security);
    zsock_destroy(&self->peers.socket);
}

const struct service_type broker_service = {
    .name = "broker",
    .state_size = sizeof(broker_t),
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
