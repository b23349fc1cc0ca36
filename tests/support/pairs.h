/* pairs - whole ZeroMQ messages of header-body pairs, made and read: what the peers of the
 * tests speak, and what no production code goes by, which reads frame by frame. */
#ifndef TESTS_SUPPORT_PAIRS_H
#define TESTS_SUPPORT_PAIRS_H

#include "proto/message.h"

/* Appends the header and a body frame with a copy of msg->body to `out`. TM_TOO_LARGE if a
 * field is over its limit or a STR is not UTF-8: a fault of the caller, `out` is then
 * unchanged. */
TM_CHECKED tm_err_t tm_msg_append(zmsg_t *out, const tm_msg_t *msg);

/* Same, but takes the body frame (may point to NULL: empty) instead of copying it. */
TM_CHECKED tm_err_t tm_msg_append_frame(zmsg_t *out, const tm_msg_t *msg, zframe_t **body_p);

/* Walks the pairs of a ZeroMQ message:
 *     tm_pairs_t pairs = tm_pairs(zmsg);
 *     tm_msg_t msg;
 *     while (tm_pairs_next(&pairs, &msg)) ...
 *     if (pairs.err) ... pairs.what
 * `body` frames stay owned by the zmsg; pairs.body is the frame of the current pair. */
typedef struct {
    zmsg_t *zmsg;
    zframe_t *header;
    zframe_t *body;
    tm_err_t err;
    const char *what;
} tm_pairs_t;

tm_pairs_t tm_pairs(zmsg_t *zmsg); /* starts at the first frame: pop the identity before */
bool tm_pairs_next(tm_pairs_t *self, tm_msg_t *ret);

#endif
