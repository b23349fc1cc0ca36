/* broker_inner - the whole broker: its modules, and who stands on whom.
 *
 *     base/    what every module goes by; states and their moves; the statements
 *     wire/    connections: peers, who is let in, what processes count
 *     queue/   what is known of queues, workers and leases, and how jobs are shared out
 *     store/   what goes to the database in batches, and what comes of it
 *     jobs/    what producers and workers ask for, on top of these
 *     broker.c, broker_workers.c what each message does; timers.c what the clock does;
 *     run.c    the process
 *
 * A room includes those above it in this list, and calls no other: what happens below is told
 * by callbacks, which run.c sets where it puts the modules together.
 */
#ifndef BROKER_BROKER_INNER_H
#define BROKER_BROKER_INNER_H

#include "broker/broker.h"
#include "broker/jobs/calls.h"
#include "broker/jobs/child_jobs.h"
#include "broker/jobs/intake.h"
#include "broker/store/dataset_chunks.h"
#include "broker/store/store.h"
#include "broker/timers.h"
#include "broker/wire/metrics_relay.h"
#include "broker/wire/security.h"
#include "proto/link/handlers.h"

typedef struct broker {
    service_t *service; /* the process; service.h fills it in */
    context_t context;
    peers_t peers;
    security_t *security; /* NULL: a plain socket */
    metrics_relay_t relay;
    queues_t queues;
    workers_t workers;
    sole_broker_t sole_broker;
    dispatch_t dispatch;
    store_t store;
    dataset_chunks_t chunks;
    subscriptions_t subscriptions;
    lookup_t lookup;
    controls_t controls;
    intake_t intake;
    child_jobs_t child_jobs;
    calls_t calls;
    timers_t timers;
} broker_t;

/* --- broker.c ----------------------------------------------------------------------------- */

/* One pair of a message, decoded and handled. False: what follows it in its message may be
 * anything, and is to be skipped. */
bool broker_receive(broker_t *self, peer_t *from, tm_str_t header, tm_str_t body);
void broker_refuse_lone_header(broker_t *self, const peer_t *from);

/* --- broker_workers.c --------------------------------------------------------------------- */

handler_fn broker_on_hello, broker_on_holding, broker_on_done, broker_on_fail,
    broker_on_progress, broker_on_credit, broker_on_bye;
/* Callbacks of peers, security and dispatch. */
void broker_on_peer_gone(void *arg, const peer_t *peer);
void broker_on_revise(void *arg, peer_t *peer, const guest_t *guest);
void broker_on_lost(void *arg, const lease_t *lease, tm_err_t code, const char *detail,
                    bool counts, bool is_crash);

#endif
