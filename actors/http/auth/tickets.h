/* tickets - short passes to the event stream, for those who cannot send a header.
 *
 *     v1.<expiry, seconds since 1970>.<workspace, or ->.<nonce>.<mac>
 *
 * The mac is HMAC-SHA256 of what stands before it. Its key comes from the admin token, so that
 * a ticket of one bridge is good at each; without a token, from this process alone. A ticket
 * cannot be taken back: it is short-lived instead, and dies with the admin token.
 */
#ifndef ACTORS_HTTP_AUTH_TICKETS_H
#define ACTORS_HTTP_AUTH_TICKETS_H

#include "actors/http/core/workspace.h"

#define TICKET_TEXT 192

typedef struct tickets tickets_t;

tickets_t *tickets_new(const char *admin_token, int64_t seconds); /* "": a key of our own */
void tickets_destroy(tickets_t **self_p);

/* A ticket for the workspace, or for any if it is not known. Returns when it expires. */
int64_t tickets_make(const tickets_t *self, const struct workspace *workspace, int64_t utc_ms,
                     char text[TICKET_TEXT]);
/* What a ticket gives. TM_FORBIDDEN: it is none of ours. TM_UNAUTHORIZED: it was, and has
 * expired. */
TM_CHECKED tm_err_t tickets_read(const tickets_t *self, const char *text, size_t size,
                                 int64_t utc_ms, struct workspace *ret);
/* What it says, whoever wrote it: the part of tickets_read behind the mac. */
bool ticket_parse(const char *text, size_t size, int64_t *ret_expiry_ms, struct workspace *ret);

#endif
