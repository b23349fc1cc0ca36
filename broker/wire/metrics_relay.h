/* metrics_relay - what the processes count is passed on to the peers that watch, and not kept:
 * whoever comes later hears the next report. The broker's own is one of them.
 */
#ifndef BROKER_WIRE_METRICS_RELAY_H
#define BROKER_WIRE_METRICS_RELAY_H

#include "broker/wire/peers.h"
#include "proto/link/handlers.h"

struct watcher {
    peer_id_t peer;
    int64_t until_ms;
};

typedef struct {
    context_t *context;
    peers_t *peers;
    struct watcher *watchers;
    uint64_t reports; /* own, so far */
} metrics_relay_t;

void metrics_relay_init(metrics_relay_t *self); /* what is borrowed is set before */
void metrics_relay_fini(metrics_relay_t *self);
handler_fn metrics_relay_pass;

#endif
