/* client_inner - what client.c (brokers, answers, time) and client_ask.c (requests) share.
 *
 * Inner header of proto: not installed, and nothing outside proto includes it.
 */
#ifndef PROTO_CLIENT_CLIENT_INNER_H
#define PROTO_CLIENT_CLIENT_INNER_H

#include "proto/client.h"
#include "proto/link/dealer.h"
#include "proto/link/requests.h"
#include "proto/client/watches.h"

struct tm_client {
    dealer_t brokers[BROKERS_MAX];
    size_t broker_count;
    size_t current; /* the broker that requests go to */
    bool has_told;  /* some broker was sent something */
    requests_t *requests;
    uint32_t resend_ms, give_up_ms;
    watches_t *watches;
    tm_progress_fn *on_progress;
    tm_result_fn *on_result;
    void *watch_arg;
    tm_metrics_fn *on_metrics;
    void *metrics_arg;
    int64_t tick_ms; /* when the next is due */
    uint64_t called; /* callbacks so far */
    zloop_t *loop;
    int tick_timer, flush_timer;
};

void client_want_flush(tm_client_t *self); /* what was queued leaves soon */

#endif
