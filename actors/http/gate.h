/* gate - whether what a request carries opens /admin to it.
 *
 * The admin token may come in X-Admin-Token, as Authorization: Bearer, or in a cookie; the
 * first of these that is not empty decides, and tokens are compared in constant time. A browser
 * sends cookies whoever asks it to: what changes something and comes with a cookie alone must
 * come from our own pages. While no token is set all is closed, except to this machine itself
 * where the settings say so, under that same condition.
 *
 * A route that takes tickets (access STREAM) is opened by one too, unless a header carries a
 * token: whoever sends one means it.
 */
#ifndef ACTORS_HTTP_GATE_H
#define ACTORS_HTTP_GATE_H

#include "actors/http/peer.h"
#include "actors/http/tickets.h"

#define ADMIN_COOKIE  "admin_token"
#define TICKET_COOKIE "sse_ticket"

typedef enum {
    GATE_OPEN,
    GATE_MISSING,   /* nothing that opens it was sent */
    GATE_WRONG,     /* the token is not ours */
    GATE_CLOSED,    /* there is no token */
    GATE_FOREIGN,   /* another site's page had it sent */
    GATE_BRAKED,    /* too many wrong ones: see brake.h */
    GATE_FORGED,    /* the ticket is not ours */
    GATE_EXPIRED,   /* the ticket was */
    GATE_ELSEWHERE, /* the ticket is for another workspace */
} gate_verdict_t;

/* What a request carries; texts are borrowed, empty if absent. */
struct gate_claim {
    tm_str_t header, bearer, cookie, ticket;
    struct peer peer;
    bool is_local;     /* peer_is_local */
    bool is_change;    /* anything but a GET */
    bool is_own_page;  /* no browser says that another site's page asks */
    bool takes_ticket; /* access STREAM */
    struct workspace
        workspace; /* so far; that of a ticket if it names one and nobody else did */
};

typedef struct gate gate_t;

gate_t *gate_new(const settings_t *settings);
void gate_destroy(gate_t **self_p);

gate_verdict_t gate_judge(gate_t *self, struct gate_claim *claim, int64_t now_ms,
                          int64_t utc_ms);
/* Behind GATE_BRAKED: whole seconds until it may try again. */
uint32_t gate_wait_s(const gate_t *self, const struct peer *peer, int64_t now_ms);
const tickets_t *gate_tickets(const gate_t *self);
bool gate_has_token(const gate_t *self); /* one is set */

#endif
