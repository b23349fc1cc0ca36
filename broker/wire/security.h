/* security - who may connect to this broker, and what for.
 *
 * With broker.curve_secret the socket speaks CURVE only, and every handshake asks this module
 * (it is the process's ZAP handler) whether the peer's key is allowed. Without, the socket is
 * plain and may be bound within this machine only. What was refused is counted by reason.
 *
 * Handles  ZAP requests, the socket's handshake events, a look at the allow-list each second
 * Owns     the allow-list, the ZAP socket, the monitor of the broker's socket
 */
#ifndef BROKER_SECURITY_H
#define BROKER_SECURITY_H

#include <zmq.h>

#include "actors/kit/runtime/actor.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/settings.h"

struct broker;
typedef struct security security_t;

/* Before the socket is bound. *ret_security stays NULL where plain is enough. Logs why not. */
TM_CHECKED tm_err_t security_open(loop_t *loop, const settings_t *settings, meters_t *metrics,
                                  zsock_t *socket, security_t **ret_security);
/* Before the socket is closed: a monitor that nobody reads stops libzmq's own thread. */
void security_destroy(security_t **self_p);
void security_attach(security_t *self, struct broker *broker); /* self may be NULL */

/* May what this frame begins be heard? False: its peer is forgotten and broker->from is NULL.
 * A routing id says nothing: another key behind the same one is another peer. */
bool security_hears(struct broker *broker, zmq_msg_t *frame);

/* May the peer of this message say this? An actor_admit_fn of the broker. */
tm_err_t security_admit(void *broker, const tm_msg_t *msg, const char **ret_what);

#endif
