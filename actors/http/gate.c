#include "actors/http/gate.h"

#include "actors/http/brake.h"
#include "actors/kit/log.h"

struct gate {
    bool has_token, allows_local;
    uint8_t digest[SHA256_SIZE]; /* of the token */
    tickets_t *tickets;
    brake_t *brake;
};

gate_t *
gate_new(const settings_t *settings)
{
    gate_t *self = zmalloc(sizeof(*self));
    const char *token = settings->http_admin_token;

    self->has_token = token[0] != '\0';
    self->allows_local = settings->http_allow_localhost_admin;
    digest_of(token, strlen(token), self->digest);
    self->tickets = tickets_new(token, settings->http_ticket_seconds);
    self->brake = brake_new();
    return self;
}

void
gate_destroy(gate_t **self_p)
{
    gate_t *self = *self_p;

    if (!self)
        return;
    tickets_destroy(&self->tickets);
    brake_destroy(&self->brake);
    free(self);
    *self_p = NULL;
}

const tickets_t *
gate_tickets(const gate_t *self)
{
    return self->tickets;
}

bool
gate_has_token(const gate_t *self)
{
    return self->has_token;
}

uint32_t
gate_wait_s(const gate_t *self, const struct peer *peer, int64_t now_ms)
{
    return (uint32_t)((brake_wait_ms(self->brake, peer, now_ms) + 999) / 1000);
}

static bool
is_sent_on_purpose(const struct gate_claim *claim)
{
    return claim->header.size || claim->bearer.size;
}

static gate_verdict_t
judge_change(const struct gate_claim *claim)
{
    return claim->is_change && !claim->is_own_page ? GATE_FOREIGN : GATE_OPEN;
}

static void
note_wrong(gate_t *self, const struct gate_claim *claim, const uint8_t digest[SHA256_SIZE],
           int64_t now_ms)
{
    char peer[PEER_TEXT];

    if (brake_wrong(self->brake, &claim->peer, digest, is_sent_on_purpose(claim), now_ms))
        log_warn("http.admin_braked", "peer=\"%s\" what=\"%d wrong admin tokens in a minute\"",
                 peer_text(&claim->peer, peer), BRAKE_TRIES);
}

static gate_verdict_t
judge_token(gate_t *self, const struct gate_claim *claim, int64_t now_ms)
{
    tm_str_t token = claim->header.size   ? claim->header
                     : claim->bearer.size ? claim->bearer
                                          : claim->cookie;
    uint8_t digest[SHA256_SIZE];

    if (!self->has_token)
        return self->allows_local && claim->is_local ? judge_change(claim) : GATE_CLOSED;
    if (!token.size)
        return GATE_MISSING;
    if (brake_wait_ms(self->brake, &claim->peer, now_ms) > 0)
        return GATE_BRAKED;
    digest_of(token.data, token.size, digest);
    if (!digest_is(self->digest, digest)) {
        note_wrong(self, claim, digest, now_ms);
        return GATE_WRONG;
    }
    return is_sent_on_purpose(claim) ? GATE_OPEN : judge_change(claim);
}

static gate_verdict_t
judge_ticket(const gate_t *self, struct gate_claim *claim, int64_t utc_ms)
{
    struct workspace workspace;
    tm_err_t err =
        tickets_read(self->tickets, claim->ticket.data, claim->ticket.size, utc_ms, &workspace);

    if (err)
        return err == TM_UNAUTHORIZED ? GATE_EXPIRED : GATE_FORGED;
    if (!workspace.is_known)
        return judge_change(claim);
    if (claim->workspace.is_known && !tm_uuid_is(&claim->workspace.id, &workspace.id))
        return GATE_ELSEWHERE;
    claim->workspace = workspace;
    return judge_change(claim);
}

gate_verdict_t
gate_judge(gate_t *self, struct gate_claim *claim, int64_t now_ms, int64_t utc_ms)
{
    gate_verdict_t verdict;

    if (!claim->takes_ticket || !claim->ticket.size || is_sent_on_purpose(claim))
        return judge_token(self, claim, now_ms);
    verdict = judge_ticket(self, claim, utc_ms);
    if (verdict == GATE_OPEN || judge_token(self, claim, now_ms) == GATE_OPEN)
        return GATE_OPEN;
    return verdict;
}
