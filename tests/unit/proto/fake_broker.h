/* fake_broker - a broker that a test plays by hand: a ROUTER that answers pings by itself and
 * nothing else. One peer at a time is enough for the tests; the last heard is the one spoken
 * to. */
#ifndef TESTS_UNIT_PROTO_FAKE_BROKER_H
#define TESTS_UNIT_PROTO_FAKE_BROKER_H

#include "proto/message.h"

typedef struct fake_broker fake_broker_t;

/* A directory of its own per test, and endpoints in it. */
struct fake_place {
    char path[64];
    char endpoint[2][96];
    char both[200];
};
void fake_place_init(struct fake_place *self);
void fake_place_fini(struct fake_place *self);

fake_broker_t *fake_broker_new(const char *endpoint); /* a new process: it has a new id */
void fake_broker_destroy(fake_broker_t **self_p);
/* Peers that say HELLO as this actor (a constant) are not heard. */
void fake_broker_ignore(fake_broker_t *self, const char *actor);
void fake_broker_set_mute(fake_broker_t *self, bool is_mute); /* answers no pings */
/* Every connection breaks and may come anew; the broker is the same. */
void fake_broker_cut(fake_broker_t *self, const char *endpoint);
const tm_uuid_t *fake_broker_id(const fake_broker_t *self);

/* Reads for at most wait_ms until a message of this type is there; others are counted and
 * dropped. What ret borrows lasts until the next call. */
bool fake_broker_take(fake_broker_t *self, int wait_ms, tm_msg_type_t type, tm_msg_t *ret);
void fake_broker_send(fake_broker_t *self, const tm_msg_t *msg);
void fake_broker_send_raw(fake_broker_t *self, const void *data, size_t size);

unsigned fake_broker_seen(const fake_broker_t *self, tm_msg_type_t type); /* taken or dropped */
unsigned fake_broker_messages(const fake_broker_t *self); /* ZeroMQ messages, pings aside */

#endif
