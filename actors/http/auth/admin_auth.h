/* admin_auth - whether what a request carries opens /admin to it.
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
#ifndef ACTORS_HTTP_AUTH_ADMIN_AUTH_H
#define ACTORS_HTTP_AUTH_ADMIN_AUTH_H

#include "actors/http/core/client_address.h"
#include "actors/http/auth/tickets.h"

#define ADMIN_COOKIE  "admin_token"
#define TICKET_COOKIE "sse_ticket"

typedef enum {
    ADMIN_AUTH_OPEN,
    ADMIN_AUTH_MISSING,   /* nothing that opens it was sent */
    ADMIN_AUTH_WRONG,     /* the token is not ours */
    ADMIN_AUTH_CLOSED,    /* there is no token */
    ADMIN_AUTH_FOREIGN,   /* another site's page had it sent */
    ADMIN_AUTH_THROTTLED, /* too many wrong ones: see login_throttle.h */
    ADMIN_AUTH_FORGED,    /* the ticket is not ours */
    ADMIN_AUTH_EXPIRED,   /* the ticket was */
    ADMIN_AUTH_ELSEWHERE, /* the ticket is for another workspace */
} admin_auth_verdict_t;

/* What a request carries; texts are borrowed, empty if absent. */
struct admin_auth_claim {
    tm_str_t header, bearer, cookie, ticket;
    struct client_address peer;
    bool is_local;     /* client_address_is_local */
    bool is_change;    /* anything but a GET */
    bool is_own_page;  /* no browser says that another site's page asks */
    bool takes_ticket; /* access STREAM */
    /* so far; that of a ticket if it names one and nobody else did */
    struct workspace workspace;
};

typedef struct admin_auth admin_auth_t;

admin_auth_t *admin_auth_new(const settings_t *settings);
void admin_auth_destroy(admin_auth_t **self_p);

admin_auth_verdict_t admin_auth_judge(admin_auth_t *self, struct admin_auth_claim *claim,
                                      int64_t now_ms, int64_t utc_ms);
/* Behind ADMIN_AUTH_THROTTLED: whole seconds until it may try again. */
uint32_t admin_auth_wait_s(const admin_auth_t *self, const struct client_address *peer,
                           int64_t now_ms);
const tickets_t *admin_auth_tickets(const admin_auth_t *self);
bool admin_auth_has_token(const admin_auth_t *self); /* one is set */

#endif
