/* dealer - one connection to one broker, as a producer or a worker keeps it.
 *
 * Owns the socket, pings, and knows whether the broker is there: `alive` is true from the first
 * word heard until `silence_ms` without one. Pairs leave in batches: each goes out
 * with the next one, the last with dealer_flush.
 *
 * Inner header of proto: not installed, and nothing outside proto includes it.
 */
#ifndef PROTO_LINK_DEALER_H
#define PROTO_LINK_DEALER_H

#include "proto/curve.h"
#include "proto/message.h"

#define BROKERS_MAX     16
#define LAST_WORD_MS    200 /* so long a socket that is closed may still send */
#define BATCH_PAIRS_MAX 256
#define BATCH_BYTES_MAX (256u << 10)

/* One encoded message that is kept until it is answered: header, then body, in one block. */
typedef struct {
    uint8_t *header;
    size_t header_size;
    size_t body_size;
} encoded_msg_t;

TM_CHECKED tm_err_t encoded_msg_init(encoded_msg_t *self, const tm_msg_t *msg);
void encoded_msg_fini(encoded_msg_t *self);

typedef struct {
    zsock_t *socket;
    zsock_t *monitor; /* says when a connection breaks */
    char *endpoint;
    bool has_keys;
    int64_t joined_ms; /* when it was connected last */
    bool alive;
    bool
        is_cut; /* the connection broke since the last word: the broker knows the next as new */
    int64_t heard_ms; /* when the last word came */
    int64_t pinged_ms;
    uint32_t ping_ms;    /* how often to ping */
    uint32_t silence_ms; /* so long without a word: not alive */
    uint64_t seq;
    tm_uuid_t broker;    /* as PONG and WELCOME last named it; nil: not yet */
    const uint8_t *held; /* the body that waits for the next pair or the flush */
    size_t held_size;
    size_t batch_pairs, batch_bytes;
    bool is_held;           /* the batch is not to be split */
    zmq_msg_t header, body; /* of the pair being read */
    bool is_reading;        /* they are initialised */
    bool is_skipping;       /* the rest of the message being read */
} dealer_t;

/* Connects one dealer to each endpoint of the comma-separated list; returns how many, 0 if the
 * list is empty, too long, has a bad endpoint or one that the certificates do not serve
 * (nothing is left open then). */
size_t dealers_connect(dealer_t dealers[BROKERS_MAX], const char *endpoints,
                       const struct tm_curve *curve);
void dealers_close(dealer_t *dealers, size_t count);
void dealer_close(dealer_t *self);

/* SIGINT or SIGTERM came, as czmq's handler keeps it, since *seen was the last time: told once.
 * A poll is interrupted only by a signal that comes while it waits, so whoever waits looks here
 * before, too. */
bool signal_has_come(int *seen);

/* What dealer_receive saw change. A broker that is new (first word, back from silence or by
 * another connection, or another process than before) knows nothing of what was sent: the owner
 * tells it again. */
bool dealer_heard(dealer_t *self, const tm_msg_t *msg, int64_t now_ms);

/* The owner did not look for a while: silence until now says nothing of the broker, which may
 * have given up the owner. The next word counts as that of a new one. */
void dealer_doubt(dealer_t *self, int64_t now_ms);

/* Pings when it is time. Returns false once when the broker has just fallen silent. */
bool dealer_tick(dealer_t *self, int64_t now_ms);

/* Each sends a pair in the open batch; its body must stay in place until the next pair or the
 * flush. False: the socket takes no more now (the pair is not sent, the batch is closed). */
bool dealer_parcel(dealer_t *self, const encoded_msg_t *parcel);
bool dealer_msg(dealer_t *self, const tm_msg_t *msg); /* a message without a body */
void dealer_flush(dealer_t *self);
/* true: sends what waits, and keeps what comes in one message, however long; false: sends that.
 */
void dealer_hold(dealer_t *self, bool is_held);

/* The next pair, if one is there: never waits. It borrows from the dealer until the next call;
 * `body` may be moved away. A pair of an unknown number is skipped, and after one that cannot
 * be read the rest of its message: what it said is said again in time. */
bool dealer_receive(dealer_t *self, tm_msg_t *ret);

#endif
