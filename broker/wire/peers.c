#include "broker/core.h"

#include <string.h>

#include <zmq.h>

/* A peer is known by the routing id that ROUTER gives it, and inside the broker by a number
 * that is never used twice: a job that ends after its producer has left finds nobody there.
 * What a peer is to be told gathers in its outbox and leaves as one message at the end of the
 * turn. */

enum { KEEP_BYTES = 1 << 20, ASK_BYTES = 1 << 20, UNREAD_MOST = 16 << 20 };

static uint64_t
hash_bytes(const uint8_t *bytes, size_t size)
{
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}

/* A key is a routing id behind its size. */
static size_t
route_hash(const void *key)
{
    const uint8_t *route = key;

    return (size_t)hash_bytes(route + 1, route[0]);
}

static int
route_compare(const void *a, const void *b)
{
    const uint8_t *route = a;

    return memcmp(a, b, (size_t)route[0] + 1);
}

void
peers_init(broker_t *self)
{
    self->peers = zhashx_new();
    zhashx_set_key_hasher(self->peers, route_hash);
    zhashx_set_key_comparator(self->peers, route_compare);
    zhashx_set_key_duplicator(self->peers, NULL);
    zhashx_set_key_destructor(self->peers, NULL);
}

static void
outbox_fini(struct outbox *self)
{
    free(self->data);
    free(self->sizes);
    *self = (struct outbox){.data = NULL};
}

static void
forget(broker_t *self, peer_t *peer)
{
    zhashx_delete(self->peers, peer->route);
    self->peer_slots[peer->id & UINT32_MAX] = NULL;
    outbox_fini(&peer->out);
    free(peer);
}

void
peers_fini(broker_t *self)
{
    for (size_t i = 1; i < self->peer_limit; i++)
        if (self->peer_slots[i])
            forget(self, self->peer_slots[i]);
    free(self->peer_slots);
    free(self->dirty);
    zhashx_destroy(&self->peers);
}

/* A free slot, from the last one used on; slot 0 stays empty, so that no peer's number is 0. */
static size_t
free_slot(broker_t *self)
{
    size_t limit = self->peer_limit;

    if (zhashx_size(self->peers) + 1 >= limit) {
        self->peer_limit = limit ? 2 * limit : 64;
        self->peer_slots = tm_grown(self->peer_slots, self->peer_limit * sizeof(peer_t *));
        memset(self->peer_slots + limit, 0, (self->peer_limit - limit) * sizeof(peer_t *));
    }
    do
        self->last_slot = self->last_slot + 1 < self->peer_limit ? self->last_slot + 1 : 1;
    while (self->peer_slots[self->last_slot]);
    return self->last_slot;
}

peer_t *
peers_touch(broker_t *self, const void *route, size_t size)
{
    uint8_t key[256] = {(uint8_t)size};
    peer_t *peer;

    memcpy(key + 1, route, size & 255);
    peer = zhashx_lookup(self->peers, key);
    if (!peer) {
        size_t slot = free_slot(self);
        peer = zmalloc(sizeof(*peer));
        memcpy(peer->route, key, sizeof(key));
        peer->id = ++self->peers_seen << 32 | slot;
        self->peer_slots[slot] = peer;
        zhashx_insert(self->peers, peer->route, peer);
    }
    peer->seen_ms = self->now_ms;
    return peer;
}

peer_t *
peers_find(const broker_t *self, peer_id_t id)
{
    size_t slot = id & UINT32_MAX;
    peer_t *peer = slot < self->peer_limit ? self->peer_slots[slot] : NULL;

    return peer && peer->id == id ? peer : NULL;
}

void
peers_drop(broker_t *self, peer_id_t id)
{
    peer_t *peer = peers_find(self, id);
    worker_t *worker;

    if (!peer)
        return;
    if (peer->watches > 0)
        subscriptions_peer_gone(self, id);
    worker = peer->has_worker ? dispatch_worker(self, &peer->worker) : NULL;
    forget(self, peer);
    if (worker && worker->peer == id) /* else it is back, as another peer */
        dispatch_worker_lost(self, worker, "unreachable");
}

void
peers_part(broker_t *self, peer_id_t id)
{
    peer_t *peer = peers_find(self, id);

    if (peer)
        peer->has_worker = false;
}

static void
put(struct outbox *self, const void *data, size_t size)
{
    if (self->capacity - self->size < size) {
        self->capacity = 2 * (self->size + size) > 4096 ? 2 * (self->size + size) : 4096;
        self->data = tm_grown(self->data, self->capacity);
    }
    if (self->count == self->limit) {
        self->limit = self->limit ? 2 * self->limit : 16;
        self->sizes = tm_grown(self->sizes, self->limit * sizeof(*self->sizes));
    }
    if (size)
        memcpy(self->data + self->size, data, size);
    self->size += size;
    self->sizes[self->count++] = size;
}

static void
add_dirty(broker_t *self, peer_id_t id)
{
    if (self->dirty_count == self->dirty_limit) {
        self->dirty_limit = self->dirty_limit ? 2 * self->dirty_limit : 64;
        self->dirty = tm_grown(self->dirty, self->dirty_limit * sizeof(*self->dirty));
    }
    self->dirty[self->dirty_count++] = id;
}

/* --- who does not read ------------------------------------------------------------------- */

/* ZeroMQ keeps for a peer so many messages, whatever they hold. So it is asked now and then how
 * far it has read: its PONG says that all before the PING has arrived. A worker takes no more
 * than its credit. */
static void
ask_how_far(broker_t *self, peer_t *peer)
{
    tm_msg_t ping = {.type = TM_MSG_PING};
    uint8_t header[TM_HEADER_MAX];

    if (peer->asked_bytes != peer->read_bytes ||
        peer->sent_bytes - peer->asked_bytes < ASK_BYTES)
        return;
    peer->asked_bytes = ping.ping.seq = peer->sent_bytes;
    if (peer->out.count == 0)
        add_dirty(self, peer->id);
    put(&peer->out, header, tm_msg_encode(&ping, header));
    put(&peer->out, NULL, 0);
    self->sent[TM_MSG_PING]++;
}

void
peers_on_pong(broker_t *self, peer_t *peer, const struct tm_pong *pong)
{
    if (pong->seq != peer->asked_bytes)
        return;
    peer->read_bytes = peer->asked_bytes;
    peer->is_deaf = false;
    ask_how_far(self, peer); /* of what was sent since */
}

static bool
is_deaf(peer_t *peer)
{
    if (peer->has_worker || peer->sent_bytes + peer->out.size - peer->read_bytes <= UNREAD_MOST)
        return false;
    if (!peer->is_deaf)
        log_warn("peer.deaf",
                 "reason=\"it does not read; answers to it are dropped until it does\"");
    peer->is_deaf = true;
    return true;
}

/* --- what is to be sent ------------------------------------------------------------------- */

void
peers_send(broker_t *self, peer_id_t id, const tm_msg_t *msg)
{
    peer_t *peer = peers_find(self, id);
    uint8_t header[TM_HEADER_MAX];
    size_t size = peer ? tm_msg_encode(msg, header) : 0;

    if (!peer || is_deaf(peer))
        return;
    if (size == 0) {
        log_error("broker.encode", "type=%s", tm_msg_name(msg->type));
        return;
    }
    if (peer->out.count == 0)
        add_dirty(self, id);
    put(&peer->out, header, size);
    put(&peer->out, msg->body.data, msg->body.size);
    self->sent[msg->type]++;
}

void
peers_reject(broker_t *self, peer_id_t id, uint64_t ref, tm_err_t err, const char *detail,
             uint64_t retry_after_ms)
{
    tm_msg_t msg = {.type = TM_MSG_REJECTED, .rejected = {.ref = ref}};
    char text[TM_DETAIL_MAX];

    msg.rejected.code = tm_str(tm_err_name(err));
    msg.rejected.detail = tm_text_clean(detail ? detail : tm_err_text(err), text, sizeof(text));
    msg.rejected.has_detail = true;
    msg.rejected.retry_after_ms = retry_after_ms;
    msg.rejected.has_retry_after_ms = retry_after_ms > 0;
    peers_send(self, id, &msg);
}

/* Never waits for anybody. ROUTER_MANDATORY tells at once that a peer has gone, or that it does
 * not read: only the first frame can be refused, the others follow it. */
static bool
send_out(void *socket, const peer_t *peer)
{
    const struct outbox *out = &peer->out;
    const uint8_t *at = out->data;

    if (zmq_send(socket, peer->route + 1, peer->route[0], ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return false;
    for (size_t i = 0; i < out->count; i++) {
        int more = i + 1 < out->count ? ZMQ_SNDMORE : 0;
        if (zmq_send(socket, at, out->sizes[i], more | ZMQ_DONTWAIT) < 0)
            return false;
        at += out->sizes[i];
    }
    return true;
}

/* A worker that cannot be reached loses its leases now; a producer's answer is lost and it will
 * ask again. */
static void
flush_peer(broker_t *self, peer_t *peer)
{
    peer->sent_bytes += peer->out.size;
    ask_how_far(self, peer);
    if (self->socket && !send_out(zsock_resolve(self->socket), peer)) {
        log_info("peer.unreachable", "reason=\"%s\"", zmq_strerror(zmq_errno()));
        peers_drop(self, peer->id);
        return;
    }
    peer->out.size = peer->out.count = 0;
    if (peer->out.capacity > KEEP_BYTES)
        outbox_fini(&peer->out);
}

void
peers_flush(broker_t *self)
{
    for (size_t i = 0; i < self->dirty_count; i++) {
        peer_t *peer = peers_find(self, self->dirty[i]);
        if (peer)
            flush_peer(self, peer);
    }
    self->dirty_count = 0;
}

/* Workers silent for a lease lose their jobs; others who are silent longer are forgotten. */
void
peers_expire(broker_t *self, int64_t worker_silent_ms, int64_t other_silent_ms)
{
    for (size_t i = 1; i < self->peer_limit; i++) {
        peer_t *peer = self->peer_slots[i];
        int64_t silent_ms = peer ? self->now_ms - peer->seen_ms : 0;

        if (peer && silent_ms > (peer->has_worker ? worker_silent_ms : other_silent_ms))
            peers_drop(self, peer->id);
    }
}
