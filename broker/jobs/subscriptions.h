/* subscriptions - who wants to hear of which job: its PROGRESS, and its RESULT when it ends.
 *
 * Emits    PROGRESS RESULT
 * Owns     the subscriptions, until the job has ended or the peer has gone
 */
#ifndef BROKER_JOBS_SUBSCRIPTIONS_H
#define BROKER_JOBS_SUBSCRIPTIONS_H

#include "broker/wire/peers.h"
#include "proto/codec/uuid_map.h"

typedef struct {
    context_t *context;
    peers_t *peers;
    uuid_map_t *by_job;
    size_t count;
} subscriptions_t;

void subscriptions_init(subscriptions_t *self); /* what is borrowed is set before */
void subscriptions_fini(subscriptions_t *self);
TM_CHECKED tm_err_t subscriptions_add(subscriptions_t *self, const tm_uuid_t *job,
                                      peer_id_t peer);
bool subscriptions_has(const subscriptions_t *self, const tm_uuid_t *job);
const tm_uuid_t *subscriptions_next(const subscriptions_t *self, size_t *at); /* their jobs */
void subscriptions_progress(subscriptions_t *self, const tm_msg_t *progress);
void subscriptions_result(subscriptions_t *self, const tm_uuid_t *job, const char *state,
                          const char *code, const char *detail,
                          tm_str_t body); /* and forgets them */
void subscriptions_peer_gone(subscriptions_t *self, peer_id_t peer);

#endif
