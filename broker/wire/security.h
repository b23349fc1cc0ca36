/* security - who may connect to this broker, and what for.
 *
 * With broker.curve_secret the socket speaks CURVE only, and every handshake asks this module
 * (it is the process's ZAP handler) whether the peer's key is allowed. Without, the socket is
 * plain and may be bound within this machine only. What was refused is counted by reason.
 *
 * Handles  ZAP requests, the socket's handshake events, a look at the allow-list each second
 * Owns     the allow-list, the ZAP socket, the monitor of the broker's socket
 */
#ifndef BROKER_WIRE_SECURITY_H
#define BROKER_WIRE_SECURITY_H

#include <zmq.h>

#include "broker/wire/allowlist.h"
#include "broker/wire/peers.h"

typedef struct security security_t;
/* The allow-list has changed: may this peer go on with what it does? */
typedef void security_revise_fn(void *arg, peer_t *peer, const guest_t *guest);

/* Before the socket is bound. *ret_security stays NULL where plain is enough. Logs why not. */
TM_CHECKED tm_err_t security_open(loop_t *loop, const settings_t *settings, meters_t *metrics,
                                  zsock_t *socket, security_t **ret_security);
/* Before the socket is closed: a monitor that nobody reads stops libzmq's own thread. */
void security_destroy(security_t **self_p);
void security_attach(security_t *self, peers_t *peers, security_revise_fn *on_revise,
                     void *arg);

/* May what this frame begins be heard? False: its peer is forgotten and *from_p is NULL. A
 * routing id says nothing: another key behind the same one is another peer. Of a plain socket
 * (self is NULL) everything is heard and admitted. */
bool security_hears(security_t *self, peer_t **from_p, zmq_msg_t *frame);
/* What the broker knows of a message that is to be admitted. */
struct security_about {
    bool is_follower;       /* it stands behind a DONE, as a part of it */
    const char *worker_key; /* of who said HELLO first as this worker; NULL: nobody has */
};
/* May this peer say this? If not, *ret_what says why, until the next call. */
tm_err_t security_admit(security_t *self, const peer_t *from, const tm_msg_t *msg,
                        const struct security_about *said, const char **ret_what);

#endif
