/* peer - a bare protocol peer for tests: a DEALER that sends and awaits single messages. It
 * knows nothing of the client and worker libraries, so it can misbehave. */
#ifndef TESTS_SUPPORT_PEER_H
#define TESTS_SUPPORT_PEER_H

#include "proto/message.h"

typedef struct peer_end peer_end_t;

peer_end_t *peer_end_new(const char *endpoint);
peer_end_t *peer_end_over(zsock_t **socket_p); /* takes a DEALER that connects */
void peer_end_destroy(peer_end_t **self_p);
void peer_end_send(peer_end_t *self, const tm_msg_t *msg);
void peer_end_send_all(peer_end_t *self, const tm_msg_t *msgs, size_t count); /* one message */
/* False if it would have to wait: whom the broker has refused has no connection to send on. */
bool peer_end_offer_all(peer_end_t *self, const tm_msg_t *msgs, size_t count);
void peer_end_send_raw(peer_end_t *self, const void *header, size_t size, bool with_body);

void peer_end_send_frames(peer_end_t *self, const tm_str_t *frames, size_t count);

/* The next message of this type, skipping others (PONG, PROGRESS ...); fails the test after
 * timeout_ms. Borrowed until the next call. A PING is sent every 100 ms while waiting if
 * `pings`, and then what the broker asks it is answered: else it seems not to read. */
const tm_msg_t *peer_end_expect(peer_end_t *self, tm_msg_type_t type, int timeout_ms);
/* NULL if none came within timeout_ms */
const tm_msg_t *peer_end_poll(peer_end_t *self, tm_msg_type_t type, int timeout_ms);
void peer_end_set_pings(peer_end_t *self, bool pings);

#endif
