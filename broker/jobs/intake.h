/* intake - a SUBMIT from its arrival to its answer.
 *
 * Handles  SUBMIT
 * Emits    ACCEPTED REJECTED
 */
#ifndef BROKER_JOBS_INTAKE_H
#define BROKER_JOBS_INTAKE_H

#include "broker/jobs/controls.h"
#include "broker/store/submits.h"

typedef struct {
    context_t *context;
    peers_t *peers;
    dispatch_t *dispatch;
    submits_t *submits;
    lookup_t *lookup;
    controls_t *controls;
} intake_t;

extern const struct submit_ops intake_ops; /* of an intake_t */

tm_err_t intake_check(const context_t *context, const struct tm_submit *submit, tm_str_t body,
                      const char **ret_detail);
/* Puts it on its way to its commit, or answers REJECTED. */
void intake_submit(intake_t *self, peer_id_t from, const tm_msg_t *msg);

#endif
