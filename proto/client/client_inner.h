/* client_inner - a client's parts, shared by the files of the client only.
 *
 *     client.c          making, attaching, waiting; what the clock does
 *     client_ask.c      what the caller asks
 *     client_send.c     which broker it goes to
 *     client_receive.c  what brokers answer
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
    int signal_seen; /* of signal_has_come */
    uint64_t called; /* callbacks so far */
    zloop_t *loop;
    int tick_timer, flush_timer;
};

/* --- client_send.c ------------------------------------------------------------------------ */

void client_want_flush(tm_client_t *self);   /* what was queued leaves soon */
void client_tell_again(tm_client_t *self);   /* the broker knows nothing of what it was told */
void client_leave_broker(tm_client_t *self); /* another is asked, if there is one */
/* Ends the slot and leaves a copy, so that a callback may submit again at once. */
struct request client_end_request(tm_client_t *self, struct request *request);
void client_fail_request(tm_client_t *self, struct request *request, tm_err_t err,
                         const char *detail, uint64_t retry_after_ms);

/* --- client_receive.c --------------------------------------------------------------------- */

bool client_receive(tm_client_t *self, size_t index); /* false: nothing has come */

#endif
