#include "actors/http/auth/admin_auth.h"

#include "actors/http/auth/login_throttle.h"
#include "actors/kit/runtime/log.h"

struct admin_auth {
    bool has_token, allows_local;
    uint8_t digest[SHA256_SIZE]; /* of the token */
    tickets_t *tickets;
    login_throttle_t *brake;
};

admin_auth_t *
admin_auth_new(const settings_t *settings)
{
    admin_auth_t *self = zmalloc(sizeof(*self));
    const char *token = settings->http_admin_token;

    self->has_token = token[0] != '\0';
    self->allows_local = settings->http_allow_localhost_admin;
    digest_of(token, strlen(token), self->digest);
    self->tickets = tickets_new(token, settings->http_ticket_seconds);
    self->brake = login_throttle_new();
    return self;
}

void
admin_auth_destroy(admin_auth_t **self_p)
{
    admin_auth_t *self = *self_p;

    if (!self)
        return;
    tickets_destroy(&self->tickets);
    login_throttle_destroy(&self->brake);
    free(self);
    *self_p = NULL;
}

const tickets_t *
admin_auth_tickets(const admin_auth_t *self)
{
    return self->tickets;
}

bool
admin_auth_has_token(const admin_auth_t *self)
{
    return self->has_token;
}

uint32_t
admin_auth_wait_s(const admin_auth_t *self, const struct client_address *peer, int64_t now_ms)
{
    return (uint32_t)((login_throttle_wait_ms(self->brake, peer, now_ms) + 999) / 1000);
}

static bool
is_sent_on_purpose(const struct admin_auth_claim *claim)
{
    return claim->header.size || claim->bearer.size;
}

static admin_auth_verdict_t
judge_change(const struct admin_auth_claim *claim)
{
    return claim->is_change && !claim->is_own_page ? ADMIN_AUTH_FOREIGN : ADMIN_AUTH_OPEN;
}

static void
note_wrong(admin_auth_t *self, const struct admin_auth_claim *claim,
           const uint8_t digest[SHA256_SIZE], int64_t now_ms)
{
    char peer[CLIENT_ADDRESS_TEXT];

    if (login_throttle_wrong(self->brake, &claim->peer, digest, is_sent_on_purpose(claim),
                             now_ms))
        log_warn("http.admin_braked", "peer=\"%s\" what=\"%d wrong admin tokens in a minute\"",
                 client_address_text(&claim->peer, peer), LOGIN_THROTTLE_TRIES);
}

static admin_auth_verdict_t
judge_token(admin_auth_t *self, const struct admin_auth_claim *claim, int64_t now_ms)
{
    tm_str_t token = claim->header.size   ? claim->header
                     : claim->bearer.size ? claim->bearer
                                          : claim->cookie;
    uint8_t digest[SHA256_SIZE];

    if (!self->has_token)
        return self->allows_local && claim->is_local ? judge_change(claim) : ADMIN_AUTH_CLOSED;
    if (!token.size)
        return ADMIN_AUTH_MISSING;
    if (login_throttle_wait_ms(self->brake, &claim->peer, now_ms) > 0)
        return ADMIN_AUTH_THROTTLED;
    digest_of(token.data, token.size, digest);
    if (!digest_is(self->digest, digest)) {
        note_wrong(self, claim, digest, now_ms);
        return ADMIN_AUTH_WRONG;
    }
    return is_sent_on_purpose(claim) ? ADMIN_AUTH_OPEN : judge_change(claim);
}

static admin_auth_verdict_t
judge_ticket(const admin_auth_t *self, struct admin_auth_claim *claim, int64_t utc_ms)
{
    struct workspace workspace;
    tm_err_t err =
        tickets_read(self->tickets, claim->ticket.data, claim->ticket.size, utc_ms, &workspace);

    if (err)
        return err == TM_UNAUTHORIZED ? ADMIN_AUTH_EXPIRED : ADMIN_AUTH_FORGED;
    if (!workspace.is_known)
        return judge_change(claim);
    if (claim->workspace.is_known && !tm_uuid_is(&claim->workspace.id, &workspace.id))
        return ADMIN_AUTH_ELSEWHERE;
    claim->workspace = workspace;
    return judge_change(claim);
}

admin_auth_verdict_t
admin_auth_judge(admin_auth_t *self, struct admin_auth_claim *claim, int64_t now_ms,
                 int64_t utc_ms)
{
    admin_auth_verdict_t verdict;

    if (!claim->takes_ticket || !claim->ticket.size || is_sent_on_purpose(claim))
        return judge_token(self, claim, now_ms);
    verdict = judge_ticket(self, claim, utc_ms);
    if (verdict == ADMIN_AUTH_OPEN || judge_token(self, claim, now_ms) == ADMIN_AUTH_OPEN)
        return ADMIN_AUTH_OPEN;
    return verdict;
}
