#include "broker/broker.h"
#include "broker/core.h"

#include <unistd.h>

enum { DRAIN_MS = 10000, DRAIN_TICK_MS = 50, HIGH_WATER = 100000 };

static const struct pg_statement statements[STMT_COUNT] = {
#define S(NAME, params, sql) [STMT_##NAME] = {#NAME, params, sql},
    BROKER_STATEMENTS(S)
#undef S
};

#define DESTRUCTOR(T)                      \
    static void destroy_##T(void **item_p) \
    {                                      \
        T##_destroy((T##_t **)item_p);     \
    }
DESTRUCTOR(peer)
DESTRUCTOR(queue)
DESTRUCTOR(worker)
DESTRUCTOR(lease)
DESTRUCTOR(submit)
DESTRUCTOR(ending)
DESTRUCTOR(put)
DESTRUCTOR(zframe)
#undef DESTRUCTOR

static void
on_database_up(void *arg)
{
    upkeep_database_up(arg);
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
    const settings_t *settings = self->settings;
    struct pg_options options = {.url = settings->database_url,
                                 .application = "tunemill broker",
                                 .session = BROKER_SESSION,
                                 .statements = statements,
                                 .statement_count = STMT_COUNT,
                                 .connections = (int)settings->database_connections,
                                 .connect_timeout_ms =
                                     (int)settings->database_connect_timeout_ms,
                                 .max_backoff_ms = (int)settings->database_max_backoff_ms,
                                 .metrics = self->metrics,
                                 .on_up = on_database_up,
                                 .on_down = on_database_down,
                                 .arg = self};

    self->pg = pg_new(self->loop, &options);
}

broker_t *
broker_new(loop_t *loop, const settings_t *settings, meters_t *metrics, zsock_t *socket)
{
    broker_t *self = zmalloc(sizeof(*self));

    self->settings = settings;
    self->metrics = metrics;
    self->loop = loop;
    self->socket = socket;
    self->ready_fd = -1;
    self->id = tm_uuid_new();
    snprintf(self->endpoint, sizeof(self->endpoint), "%s", settings->broker_listen);
    self->peers = zhashx_new();
    zhashx_set_destructor(self->peers, destroy_peer);
    self->queues = zhashx_new();
    zhashx_set_destructor(self->queues, destroy_queue);
    self->workers = uuid_hash_new();
    zhashx_set_destructor(self->workers, destroy_worker);
    self->leases = uuid_hash_new();
    zhashx_set_destructor(self->leases, destroy_lease);
    self->watches = uuid_hash_new();
    self->submitting = uuid_hash_new();
    self->dirty = zlistx_new();
    zlistx_set_destructor(self->dirty, destroy_zframe);
    self->submits = zlistx_new();
    zlistx_set_destructor(self->submits, destroy_submit);
    self->endings = zlistx_new();
    zlistx_set_destructor(self->endings, destroy_ending);
    self->pieces = zlistx_new();
    zlistx_set_destructor(self->pieces, destroy_put);
    open_database(self);
    upkeep_start(self);
    return self;
}

void
broker_destroy(broker_t **self_p)
{
    broker_t *self = *self_p;

    if (!self)
        return;
    pg_destroy(&self->pg); /* units in flight come back here first */
    zhashx_destroy(&self->submitting);
    zlistx_destroy(&self->submits);
    zlistx_destroy(&self->endings);
    zlistx_destroy(&self->pieces);
    zlistx_destroy(&self->dirty);
    zhashx_destroy(&self->watches);
    zhashx_destroy(&self->leases);
    zhashx_destroy(&self->queues);
    zhashx_destroy(&self->workers);
    zhashx_destroy(&self->peers);
    free(self);
    *self_p = NULL;
}

void
broker_receive(broker_t *self, zmsg_t *message)
{
    zframe_t *id = zmsg_pop(message);

    if (!id)
        return;
    self->from = peers_touch(self, id);
    actor_dispatch(broker_type(), self, self->metrics, id, message);
    self->from = NULL;
    zframe_destroy(&id);
}

void
broker_turn(broker_t *self)
{
    store_reconcile(self);
    store_flush(self);
    pieces_flush(self);
    peers_flush(self);
}

static void
on_turn(void *arg)
{
    broker_turn(arg);
}

static void
on_readable(void *arg)
{
    broker_t *self = arg;
    zmsg_t *message;

    for (int i = 0; i < 1000 && (zsock_events(self->socket) & ZMQ_POLLIN); i++) {
        message = zmsg_recv(self->socket);
        if (!message)
            return;
        broker_receive(self, message);
        zmsg_destroy(&message);
    }
}

static void
on_gone(void *arg, const struct pg_outcome *outcome)
{
    broker_t *self = arg;

    log_info("broker.drained", "err=%s", tm_err_name(outcome->err));
    loop_stop(self->loop);
}

/* Everything accepted is written; then the row says so, and workers' jobs may be adopted at
 * once by the next broker. */
static void
on_drain_tick(void *arg)
{
    broker_t *self = arg;
    pg_unit_t *unit;

    if (self->units > 0 || zlistx_size(self->submits) > 0 || zlistx_size(self->endings) > 0 ||
        self->beat_sent)
        return;
    self->beat_sent = true; /* no beat after the end */
    unit = pg_unit_new(self->pg);
    pg_add(unit, STMT_BROKER_END);
    pg_uuid(unit, &self->id);
    pg_send(&unit, on_gone, self);
}

static void
on_drain_over(void *arg)
{
    broker_t *self = arg;

    log_warn("broker.drain",
             "reason=\"not all could be written in time; producers ask again\"");
    loop_stop(self->loop);
}

void
broker_drain(broker_t *self)
{
    self->is_draining = true;
    log_info("broker.draining", "submits=%zu endings=%zu", zlistx_size(self->submits),
             zlistx_size(self->endings));
    loop_timer(self->loop, DRAIN_TICK_MS, true, on_drain_tick, self);
    loop_timer(self->loop, DRAIN_MS, false, on_drain_over, self);
}

static void
on_drain(void *arg)
{
    broker_drain(arg);
}

static zsock_t *
open_socket(const settings_t *settings)
{
    zsock_t *socket = zsock_new(ZMQ_ROUTER);

    zsock_set_router_mandatory(socket, 1);
    zsock_set_router_handover(socket, 0);
    zsock_set_linger(socket, 500);
    zsock_set_sndhwm(socket, HIGH_WATER);
    zsock_set_rcvhwm(socket, HIGH_WATER);
    zsock_set_maxmsgsize(socket, (int)(settings->broker_max_body_kb * 1024 + TM_HEADER_MAX));
    zsock_set_heartbeat_ivl(socket, 2000);
    zsock_set_heartbeat_timeout(socket, 6000);
    zsock_set_handshake_ivl(socket, 5000);
    if (zsock_bind(socket, "%s", settings->broker_listen) < 0) {
        log_error("broker.bind", "endpoint=%s reason=\"%s\"", settings->broker_listen,
                  zmq_strerror(zmq_errno()));
        zsock_destroy(&socket);
    }
    return socket;
}

tm_err_t
broker_run(const settings_t *settings, int ready_fd)
{
    tm_auto(loop) loop = loop_new();
    tm_auto(meters) metrics = meters_new("broker");
    tm_auto(zsock) socket = open_socket(settings);
    tm_auto(broker) self = NULL;

    if (!socket)
        return TM_BAD_SETTING;
    self = broker_new(loop, settings, metrics, socket);
    self->ready_fd = ready_fd;
    loop_socket(loop, socket, on_readable, self);
    loop_after(loop, on_turn, self);
    loop_signals(loop, on_drain, self);
    loop_run(loop);
    return self->fate;
}
