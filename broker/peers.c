#include "broker/core.h"

#include <string.h>

#include <zmq.h>

static size_t
hash_bytes(const void *data, size_t size)
{
    const uint8_t *byte = data;
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * 1099511628211ULL;
    return (size_t)hash;
}

static size_t
uuid_hash(const void *key)
{
    return hash_bytes(key, sizeof(tm_uuid_t));
}

static int
uuid_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(tm_uuid_t));
}

zhashx_t *
uuid_hash_new(void)
{
    zhashx_t *hash = zhashx_new();

    zhashx_set_key_hasher(hash, uuid_hash);
    zhashx_set_key_comparator(hash, uuid_compare);
    zhashx_set_key_duplicator(hash, NULL);
    zhashx_set_key_destructor(hash, NULL);
    return hash;
}

void
peer_destroy(peer_t **self_p)
{
    peer_t *self = *self_p;

    if (!self)
        return;
    zframe_destroy(&self->id);
    zmsg_destroy(&self->out);
    free(self);
    *self_p = NULL;
}

/* A routing id's printable form is its key: libzmq makes them 5 bytes long, peers at most 255.
 */
static const char *
peer_key(const zframe_t *id, char key[512])
{
    const uint8_t *data = zframe_data((zframe_t *)(uintptr_t)id);
    size_t size = zframe_size((zframe_t *)(uintptr_t)id);

    for (size_t i = 0; i < size && i < 255; i++) {
        key[2 * i] = "0123456789abcdef"[data[i] >> 4];
        key[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
    }
    key[2 * (size < 255 ? size : 255)] = '\0';
    return key;
}

peer_t *
peers_touch(broker_t *self, zframe_t *id)
{
    char key[512];
    peer_t *peer = zhashx_lookup(self->peers, peer_key(id, key));

    if (!peer) {
        peer = zmalloc(sizeof(*peer));
        peer->id = zframe_dup(id);
        zhashx_insert(self->peers, key, peer);
    }
    peer->seen_ms = clock_ms();
    return peer;
}

void
peers_drop(broker_t *self, const zframe_t *id)
{
    char key[512];
    peer_t *peer = zhashx_lookup(self->peers, peer_key(id, key));
    worker_t *worker;

    if (!peer)
        return;
    audience_peer_gone(self, id);
    worker = peer->has_worker ? dispatch_worker(self, &peer->worker) : NULL;
    zhashx_delete(self->peers, key);
    if (worker)
        dispatch_worker_lost(self, worker, "unreachable");
}

void
peers_part(broker_t *self, const zframe_t *id)
{
    char key[512];
    peer_t *peer = zhashx_lookup(self->peers, peer_key(id, key));

    if (peer)
        peer->has_worker = false;
}

void
peers_send(broker_t *self, zframe_t *id, const tm_msg_t *msg)
{
    char key[512];
    peer_t *peer = zhashx_lookup(self->peers, peer_key(id, key));

    if (!peer)
        return;
    if (!peer->out) {
        peer->out = zmsg_new();
        zlistx_add_end(self->dirty, zframe_dup(peer->id));
    }
    if (tm_msg_append(peer->out, msg) == TM_OK)
        meters_add(self->metrics, METRIC_MESSAGES_OUT, tm_msg_name(msg->type), 1);
    else
        log_error("broker.encode", "type=%s", tm_msg_name(msg->type));
}

void
peers_reject(broker_t *self, zframe_t *id, uint64_t ref, tm_err_t err, const char *detail,
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

/* ROUTER_MANDATORY tells at once that a peer has gone, or that it does not read. A worker that
 * cannot be reached loses its leases now; a producer's answer is lost and it will ask again. */
static void
send_out(broker_t *self, zframe_t *id, zmsg_t **out_p)
{
    zmsg_prepend(*out_p, &(zframe_t *){zframe_dup(id)});
    if (!self->socket || zmsg_send(out_p, self->socket) == 0) {
        zmsg_destroy(out_p);
        return;
    }
    log_info("peer.unreachable", "reason=\"%s\"", zmq_strerror(zmq_errno()));
    zmsg_destroy(out_p);
    peers_drop(self, id);
}

void
peers_flush(broker_t *self)
{
    char key[512];
    zframe_t *id;

    while ((id = zlistx_detach(self->dirty, NULL))) {
        peer_t *peer = zhashx_lookup(self->peers, peer_key(id, key));
        zmsg_t *out = peer ? peer->out : NULL;

        if (out) {
            peer->out = NULL;
            send_out(self, id, &out);
        }
        zframe_destroy(&id);
    }
}

void
peers_expire(broker_t *self, int64_t silent_since_ms)
{
    zlistx_t *gone = zlistx_new();
    peer_t *peer;

    for (peer = zhashx_first(self->peers); peer; peer = zhashx_next(self->peers))
        if (peer->seen_ms < silent_since_ms && !peer->has_worker)
            zlistx_add_end(gone, zframe_dup(peer->id));
    zframe_t *id;
    while ((id = zlistx_detach(gone, NULL))) {
        peers_drop(self, id);
        zframe_destroy(&id);
    }
    zlistx_destroy(&gone);
}
