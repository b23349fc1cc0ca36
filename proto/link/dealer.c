#include "proto/link/dealer.h"

#include <stdlib.h>
#include <string.h>

#include "proto/link/curve_inner.h"

#define PING_MS              1000
#define SILENT_PINGS         3
#define SEND_QUEUE           1000 /* messages to a broker that does not take them */
#define RECEIVE_QUEUE        10000
#define RECONNECT_MS         50
#define RECONNECT_MAX_MS     1000
#define HANDSHAKE_MS         5000
#define HEARTBEAT_MS         2000
#define HEARTBEAT_TIMEOUT_MS 6000
#define JOIN_AGAIN_MS        6000 /* longer than a handshake */

tm_err_t
encoded_msg_init(encoded_msg_t *self, const tm_msg_t *msg)
{
    uint8_t header[TM_HEADER_MAX];
    size_t size = tm_msg_encode(msg, header);

    if (size == 0 || msg->body.size > TM_BODY_MAX)
        return TM_BAD_REQUEST;
    uint8_t *block = malloc(size + msg->body.size);
    if (!block)
        return TM_NO_MEMORY;
    memcpy(block, header, size);
    if (msg->body.size > 0)
        memcpy(block + size, msg->body.data, msg->body.size);
    *self = (encoded_msg_t){block, size, msg->body.size};
    return TM_OK;
}

void
encoded_msg_fini(encoded_msg_t *self)
{
    free(self->header);
    *self = (encoded_msg_t){0};
}

static zsock_t *
socket_new(const char *endpoint, const struct curve_keys *keys)
{
    zsock_t *socket = keys_may_connect(keys, endpoint) ? zsock_new(ZMQ_DEALER) : NULL;

    if (!socket)
        return NULL;
    keys_apply(keys, socket);
    zsock_set_linger(socket, 0);
    zsock_set_sndhwm(socket, SEND_QUEUE);
    zsock_set_rcvhwm(socket, RECEIVE_QUEUE);
    zsock_set_sndtimeo(socket, 0);
    zsock_set_rcvtimeo(socket, 0);
    zsock_set_reconnect_ivl(socket, RECONNECT_MS);
    zsock_set_reconnect_ivl_max(socket, RECONNECT_MAX_MS);
    zsock_set_handshake_ivl(socket, HANDSHAKE_MS);
    zsock_set_heartbeat_ivl(socket, HEARTBEAT_MS);
    zsock_set_heartbeat_timeout(socket, HEARTBEAT_TIMEOUT_MS);
    zsock_set_maxmsgsize(socket, TM_BODY_MAX);
    if (zsock_connect(socket, "%s", endpoint) != 0)
        zsock_destroy(&socket);
    return socket;
}

/* ZeroMQ connects again by itself, under a new name: a broker then knows this peer no more,
 * though it was never silent. The endpoint is never used twice: ZeroMQ gives one up some time
 * after its socket, whose address another socket may have by then. */
static zsock_t *
monitor_new(zsock_t *socket)
{
    static _Atomic unsigned long number;
    char endpoint[64];
    zsock_t *monitor;

    snprintf(endpoint, sizeof endpoint, "inproc://tm-dealer-%lu", number++);
    if (zmq_socket_monitor(zsock_resolve(socket), endpoint, ZMQ_EVENT_DISCONNECTED) != 0)
        return NULL;
    monitor = zsock_new(ZMQ_PAIR);
    if (monitor)
        zsock_set_rcvhwm(monitor, 0); /* a full one would stop ZeroMQ's own thread */
    if (monitor && zsock_connect(monitor, "%s", endpoint) != 0)
        zsock_destroy(&monitor);
    return monitor;
}

static bool
dealer_init(dealer_t *self, const char *endpoint, const struct curve_keys *keys)
{
    zsock_t *socket = socket_new(endpoint, keys);
    zsock_t *monitor = socket ? monitor_new(socket) : NULL;

    if (!monitor) {
        zsock_destroy(&socket);
        return false;
    }
    *self = (dealer_t){
        .socket = socket,
        .endpoint = tm_str_dup(tm_str(endpoint)),
        .has_keys = keys->client != NULL,
        .joined_ms = zclock_mono(),
        .monitor = monitor,
        .ping_ms = PING_MS,
        .silence_ms = PING_MS * SILENT_PINGS,
        .pinged_ms = INT64_MIN / 2,
    };
    return true;
}

/* A connection whose handshake was refused is given up by libzmq for good. The key may be let
 * in later, so it is tried again. */
static void
join_again(dealer_t *self, int64_t now_ms)
{
    if (!self->has_keys || self->alive || self->batch_pairs > 0 ||
        now_ms - self->joined_ms < JOIN_AGAIN_MS || now_ms - self->heard_ms < JOIN_AGAIN_MS)
        return;
    self->joined_ms = now_ms;
    zsock_disconnect(self->socket, "%s", self->endpoint);
    zsock_connect(self->socket, "%s", self->endpoint);
}

static size_t
connect_all(dealer_t dealers[BROKERS_MAX], const char *endpoints, const struct curve_keys *keys)
{
    char *list = strdup(endpoints ? endpoints : "");
    char *rest = NULL;
    size_t count = 0;
    bool is_ok = list != NULL;

    for (char *one = is_ok ? strtok_r(list, ", ", &rest) : NULL; one && is_ok;
         one = strtok_r(NULL, ", ", &rest)) {
        is_ok = count < BROKERS_MAX && dealer_init(&dealers[count], one, keys);
        count += is_ok;
    }
    free(list);
    if (is_ok)
        return count;
    dealers_close(dealers, count);
    return 0;
}

size_t
dealers_connect(dealer_t dealers[BROKERS_MAX], const char *endpoints,
                const struct tm_curve *curve)
{
    struct curve_keys keys;
    char detail[1]; /* the caller's own tm_curve_check says what is wrong */
    size_t count;

    if (keys_load(&keys, curve, detail, sizeof detail))
        return 0;
    count = connect_all(dealers, endpoints, &keys);
    keys_fini(&keys);
    return count;
}

void
dealer_close(dealer_t *self)
{
    if (self->is_reading) {
        zmq_msg_close(&self->header);
        zmq_msg_close(&self->body);
    }
    self->is_reading = false;
    if (self->socket) /* else its last events may be waited for, and nobody reads them */
        zmq_socket_monitor(zsock_resolve(self->socket), NULL, 0);
    zsock_destroy(&self->socket);
    zsock_destroy(&self->monitor);
    free(self->endpoint);
    self->endpoint = NULL;
}

void
dealers_close(dealer_t *dealers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dealer_close(&dealers[i]);
}

static bool
was_cut(dealer_t *self)
{
    bool is_cut = false;
    zmsg_t *event;

    while ((zsock_events(self->monitor) & ZMQ_POLLIN) && (event = zmsg_recv(self->monitor))) {
        is_cut = true;
        zmsg_destroy(&event);
    }
    return is_cut;
}

/* Answers a broker's ping, and takes its name from PONG and WELCOME. */
static bool
names_another(dealer_t *self, const tm_msg_t *msg)
{
    const tm_uuid_t *name = NULL;

    if (msg->type == TM_MSG_PONG && msg->pong.has_broker)
        name = &msg->pong.broker;
    else if (msg->type == TM_MSG_WELCOME)
        name = &msg->welcome.broker;
    if (!name || tm_uuid_is(name, &self->broker))
        return false;
    bool was_named = !tm_uuid_is_nil(&self->broker);
    self->broker = *name;
    return was_named;
}

/* A ping leaves at the next tick, so that it is known soon. */
static void
doubt(dealer_t *self, int64_t now_ms)
{
    self->is_cut = true;
    self->pinged_ms = now_ms - self->ping_ms;
}

void
dealer_doubt(dealer_t *self, int64_t now_ms)
{
    doubt(self, now_ms);
    self->heard_ms = now_ms;
}

bool
signal_has_come(int *seen)
{
    int now = zsys_interrupted;
    bool is_new = now && !*seen;

    *seen = now;
    return is_new;
}

bool
dealer_heard(dealer_t *self, const tm_msg_t *msg, int64_t now_ms)
{
    bool is_back = now_ms - self->heard_ms >= self->silence_ms; /* no tick saw it go */
    bool is_new = names_another(self, msg) || !self->alive || self->is_cut || is_back;

    self->alive = true;
    self->is_cut = false;
    self->heard_ms = now_ms;
    if (msg->type == TM_MSG_PING) {
        tm_msg_t pong = {.type = TM_MSG_PONG, .pong.seq = msg->ping.seq};
        dealer_msg(self, &pong);
        dealer_flush(self);
    }
    return is_new;
}

bool
dealer_tick(dealer_t *self, int64_t now_ms)
{
    if (was_cut(self))
        doubt(self, now_ms);
    join_again(self, now_ms);
    if (now_ms - self->pinged_ms >= self->ping_ms) {
        tm_msg_t ping = {.type = TM_MSG_PING, .ping.seq = ++self->seq};
        self->pinged_ms = now_ms;
        dealer_msg(self, &ping); /* not taken: the queue to a silent broker is full */
        dealer_flush(self);
    }
    if (!self->alive || now_ms - self->heard_ms < self->silence_ms)
        return true;
    self->alive = false;
    return false;
}

static bool
send_frame(dealer_t *self, const uint8_t *data, size_t size, int flags)
{
    void *socket = zsock_resolve(self->socket);
    int rc;

    do
        rc = zmq_send(socket, data, size, flags | ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc >= 0;
}

static bool
send_pair(dealer_t *self, const uint8_t *header, size_t header_size, const uint8_t *body,
          size_t body_size)
{
    if (!self->is_held &&
        (self->batch_pairs >= BATCH_PAIRS_MAX || self->batch_bytes >= BATCH_BYTES_MAX))
        dealer_flush(self);
    if (self->batch_pairs > 0)
        send_frame(self, self->held, self->held_size, ZMQ_SNDMORE);
    if (!send_frame(self, header, header_size, ZMQ_SNDMORE)) {
        self->batch_pairs = 0;
        return false;
    }
    self->held = body;
    self->held_size = body_size;
    self->batch_pairs++;
    self->batch_bytes += header_size + body_size;
    return true;
}

bool
dealer_parcel(dealer_t *self, const encoded_msg_t *parcel)
{
    return send_pair(self, parcel->header, parcel->header_size,
                     parcel->header + parcel->header_size, parcel->body_size);
}

bool
dealer_msg(dealer_t *self, const tm_msg_t *msg)
{
    static const uint8_t empty[1];
    uint8_t header[TM_HEADER_MAX];
    size_t size = tm_msg_encode(msg, header);

    return size > 0 && send_pair(self, header, size, empty, 0);
}

void
dealer_flush(dealer_t *self)
{
    if (self->batch_pairs > 0)
        send_frame(self, self->held, self->held_size, 0);
    self->batch_pairs = 0;
    self->batch_bytes = 0;
}

void
dealer_hold(dealer_t *self, bool is_held)
{
    dealer_flush(self);
    self->is_held = is_held;
}

static bool
take_frame(zmq_msg_t *frame, void *socket)
{
    return zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) >= 0;
}

static bool
read_pair(dealer_t *self, tm_msg_t *ret)
{
    tm_err_t err =
        tm_msg_decode(zmq_msg_data(&self->header), zmq_msg_size(&self->header), ret, NULL);
    size_t size = zmq_msg_size(&self->body);

    if (err) {
        self->is_skipping = err != TM_UNKNOWN_MESSAGE && zmq_msg_more(&self->body);
        return false;
    }
    ret->body = size > 0 ? (tm_str_t){zmq_msg_data(&self->body), size} : tm_str("");
    return true;
}

bool
dealer_receive(dealer_t *self, tm_msg_t *ret)
{
    void *socket = zsock_resolve(self->socket);

    if (!self->is_reading) {
        zmq_msg_init(&self->header);
        zmq_msg_init(&self->body);
        self->is_reading = true;
    }
    while (take_frame(&self->header, socket)) {
        if (!zmq_msg_more(&self->header)) {
            self->is_skipping = false; /* a lone header says nothing */
            continue;
        }
        if (!take_frame(&self->body, socket))
            return false;
        if (!self->is_skipping && read_pair(self, ret))
            return true;
        self->is_skipping = self->is_skipping && zmq_msg_more(&self->body);
    }
    return false;
}
