#include "broker/wire/peers.h"

#include <string.h>

#include <zmq.h>

#include "actors/kit/util/memory.h"
#include "broker/base/texts.h"

enum { KEEP_BYTES = 1 << 20, ASK_BYTES = 1 << 20, UNREAD_MOST = 16 << 20 };

/* A key is a routing id behind its size. */
static size_t
route_hash(const void *key)
{
    const uint8_t *route = key;

    return (size_t)texts_hash(TEXTS_HASH, route + 1, route[0]);
}

static int
route_compare(const void *a, const void *b)
{
    const uint8_t *route = a;

    return memcmp(a, b, (size_t)route[0] + 1);
}

void
peers_init(peers_t *self)
{
    self->by_route = zhashx_new();
    zhashx_set_key_hasher(self->by_route, route_hash);
    zhashx_set_key_comparator(self->by_route, route_compare);
    zhashx_set_key_duplicator(self->by_route, NULL);
    zhashx_set_key_destructor(self->by_route, NULL);
}

static void
outbox_fini(struct outbox *self)
{
    free(self->data);
    free(self->sizes);
    *self = (struct outbox){.data = NULL};
}

static void
destroy_peer(peer_t *peer)
{
    outbox_fini(&peer->out);
    free(peer);
}

peer_t *
peers_next(const peers_t *self, size_t *at)
{
    while (*at < self->limit) {
        peer_t *peer = self->slots[(*at)++];
        if (peer)
            return peer;
    }
    return NULL;
}

void
peers_fini(peers_t *self)
{
    peer_t *peer;

    for (size_t at = 0; (peer = peers_next(self, &at));)
        destroy_peer(peer);
    free(self->slots);
    free(self->dirty);
    zhashx_destroy(&self->by_route);
}

/* A free slot, from the last one used on; slot 0 stays empty, so that no peer's number is 0. */
static size_t
free_slot(peers_t *self)
{
    size_t limit = self->limit;

    if (zhashx_size(self->by_route) + 1 >= limit) {
        self->limit = limit ? 2 * limit : 64;
        self->slots = tm_grown(self->slots, self->limit * sizeof(peer_t *));
        memset(self->slots + limit, 0, (self->limit - limit) * sizeof(peer_t *));
    }
    do
        self->last_slot = self->last_slot + 1 < self->limit ? self->last_slot + 1 : 1;
    while (self->slots[self->last_slot]);
    return self->last_slot;
}

peer_t *
peers_touch(peers_t *self, const void *route, size_t size)
{
    uint8_t key[256] = {(uint8_t)size};
    peer_t *peer;

    memcpy(key + 1, route, size & 255);
    peer = zhashx_lookup(self->by_route, key);
    if (!peer) {
        size_t slot = free_slot(self);
        peer = zmalloc(sizeof(*peer));
        memcpy(peer->route, key, sizeof(key));
        peer->id = ++self->seen << 32 | slot;
        self->slots[slot] = peer;
        zhashx_insert(self->by_route, peer->route, peer);
    }
    peer->seen_ms = self->context->now_ms;
    return peer;
}

peer_t *
peers_find(const peers_t *self, peer_id_t id)
{
    size_t slot = id & UINT32_MAX;
    peer_t *peer = slot < self->limit ? self->slots[slot] : NULL;

    return peer && peer->id == id ? peer : NULL;
}

void
peers_drop(peers_t *self, peer_id_t id)
{
    peer_t *peer = peers_find(self, id);

    if (!peer)
        return;
    zhashx_delete(self->by_route, peer->route);
    self->slots[id & UINT32_MAX] = NULL;
    if (self->on_gone)
        self->on_gone(self->gone_arg, peer);
    destroy_peer(peer);
}

static void
append_frame(struct outbox *self, const void *data, size_t size)
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
add_dirty(peers_t *self, peer_id_t id)
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
ping_how_far_read(peers_t *self, peer_t *peer)
{
    tm_msg_t ping = {.type = TM_MSG_PING};
    uint8_t header[TM_HEADER_MAX];

    if (peer->asked_bytes != peer->read_bytes ||
        peer->sent_bytes - peer->asked_bytes < ASK_BYTES)
        return;
    peer->asked_bytes = ping.ping.seq = peer->sent_bytes;
    if (peer->out.count == 0)
        add_dirty(self, peer->id);
    append_frame(&peer->out, header, tm_msg_encode(&ping, header));
    append_frame(&peer->out, NULL, 0);
    self->sent[TM_MSG_PING]++;
}

tm_err_t
peers_on_pong(const delivery_t *in)
{
    peer_t *peer = in->peer;

    if (in->msg->pong.seq != peer->asked_bytes)
        return TM_OK;
    peer->read_bytes = peer->asked_bytes;
    peer->is_deaf = false;
    ping_how_far_read(in->self, peer); /* of what was sent since */
    return TM_OK;
}

static bool
has_unread_too_much(peer_t *peer)
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
peers_send(peers_t *self, peer_id_t id, const tm_msg_t *msg)
{
    peer_t *peer = peers_find(self, id);
    uint8_t header[TM_HEADER_MAX];
    size_t size = peer ? tm_msg_encode(msg, header) : 0;

    if (!peer || has_unread_too_much(peer))
        return;
    if (size == 0) {
        log_error("broker.encode", "type=%s", tm_msg_name(msg->type));
        return;
    }
    if (peer->out.count == 0)
        add_dirty(self, id);
    append_frame(&peer->out, header, size);
    append_frame(&peer->out, msg->body.data, msg->body.size);
    self->sent[msg->type]++;
}

void
peers_reject(peers_t *self, peer_id_t id, uint64_t ref, tm_err_t err, const char *detail,
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
flush_peer(peers_t *self, peer_t *peer)
{
    peer->sent_bytes += peer->out.size;
    ping_how_far_read(self, peer);
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
peers_flush(peers_t *self)
{
    for (size_t i = 0; i < self->dirty_count; i++) {
        peer_t *peer = peers_find(self, self->dirty[i]);
        if (peer)
            flush_peer(self, peer);
    }
    self->dirty_count = 0;
}

void
peers_expire(peers_t *self, int64_t worker_silent_ms, int64_t other_silent_ms)
{
    peer_t *peer;

    for (size_t at = 0; (peer = peers_next(self, &at));) {
        int64_t silent_ms = self->context->now_ms - peer->seen_ms;

        if (silent_ms > (peer->has_worker ? worker_silent_ms : other_silent_ms))
            peers_drop(self, peer->id);
    }
}

void
peers_forgive(peers_t *self, int64_t away_ms)
{
    peer_t *peer;

    for (size_t at = 0; (peer = peers_next(self, &at));)
        peer->seen_ms += away_ms;
}

void
peers_count_messages(peers_t *self)
{
    for (int type = 0; type < TM_MSG_LIMIT; type++) {
        const char *name = tm_msg_name((tm_msg_type_t)type);

        if (!name)
            continue;
        meters_add(self->context->metrics, METRIC_MESSAGES_IN, name, self->received[type]);
        meters_add(self->context->metrics, METRIC_MESSAGES_OUT, name, self->sent[type]);
        self->received[type] = self->sent[type] = 0;
    }
}
