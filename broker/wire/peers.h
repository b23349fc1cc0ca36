/* peers - who is connected, and what is to be sent to them.
 *
 * A peer is known by the routing id that ROUTER gives it, and inside the broker by a number
 * that is never used twice: a job that ends after its producer has left finds nobody there.
 * What a peer is to be told gathers in its outbox and leaves as one message at the end of the
 * turn.
 */
#ifndef BROKER_WIRE_PEERS_H
#define BROKER_WIRE_PEERS_H

#include "broker/base/context.h"
#include "proto/curve.h"
#include "proto/link/handlers.h"

typedef uint64_t peer_id_t; /* 0: nobody */

/* Frames that leave as one message at the end of the turn, one behind the other. */
struct outbox {
    uint8_t *data;
    size_t size, capacity;
    size_t *sizes; /* of each frame */
    size_t count, limit;
};

/* A connected producer or worker. */
typedef struct {
    peer_id_t id;
    uint8_t route[256]; /* ROUTER's routing id, behind its size */
    int64_t seen_ms;
    struct outbox out;
    size_t subscriptions;                         /* jobs it wants to hear of */
    uint64_t sent_bytes, asked_bytes, read_bytes; /* in all; at the last PING; at its PONG */
    bool is_deaf;                                 /* too much is unread */
    bool has_worker;
    tm_uuid_t worker;           /* said HELLO as this one */
    char key[TM_CURVE_KEY + 1]; /* that its connection has proved; "" on a plain socket */
} peer_t;

/* It is no longer found by then. */
typedef void peers_gone_fn(void *arg, const peer_t *peer);

typedef struct {
    context_t *context;
    zsock_t *socket; /* ROUTER; NULL in tests */
    peers_gone_fn *on_gone;
    void *gone_arg;
    zhashx_t *by_route;
    peer_t **slots; /* by the lower half of their number */
    size_t limit, last_slot;
    uint64_t seen;
    peer_id_t *dirty; /* those with something to send */
    size_t dirty_count, dirty_limit;
    uint64_t sent[TM_MSG_LIMIT], received[TM_MSG_LIMIT]; /* messages since the last count */
} peers_t;

void peers_init(peers_t *self); /* what is borrowed is set before */
void peers_fini(peers_t *self);
peer_t *peers_touch(peers_t *self, const void *route, size_t size); /* finds or makes */
peer_t *peers_find(const peers_t *self, peer_id_t id);              /* NULL: it has gone */
peer_t *peers_next(const peers_t *self, size_t *at); /* all of them; they may go meanwhile */
void peers_drop(peers_t *self, peer_id_t id);
/* Queues a message for the end of this turn; a peer that has gone is no error. */
void peers_send(peers_t *self, peer_id_t id, const tm_msg_t *msg);
void peers_reject(peers_t *self, peer_id_t id, uint64_t ref, tm_err_t err, const char *detail,
                  uint64_t retry_after_ms);
void peers_flush(peers_t *self);
void peers_count_messages(peers_t *self); /* in metrics, in bulk */
handler_fn peers_on_pong;
/* Workers silent for a lease lose their jobs; others who are silent longer are forgotten. */
void peers_expire(peers_t *self, int64_t worker_silent_ms, int64_t other_silent_ms);
/* For so long nobody was listened to: it is not counted as silence. */
void peers_forgive(peers_t *self, int64_t away_ms);

#endif
