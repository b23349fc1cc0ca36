#include "actors/http/auth/login_throttle.h"

#include <czmq.h>

struct row {
    struct client_address peer;
    unsigned tries;            /* since start_ms; 0: the row is free */
    int64_t start_ms, last_ms; /* of the minute; of the last wrong token */
    uint8_t digest[SHA256_SIZE];
};

struct login_throttle {
    struct row rows[LOGIN_THROTTLE_PEERS];
};

login_throttle_t *
login_throttle_new(void)
{
    return zmalloc(sizeof(login_throttle_t));
}

void
login_throttle_destroy(login_throttle_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static const struct row *
find_row(const login_throttle_t *self, const struct client_address *peer)
{
    for (size_t i = 0; i < LOGIN_THROTTLE_PEERS; i++)
        if (self->rows[i].tries && memcmp(&self->rows[i].peer, peer, sizeof(*peer)) == 0)
            return &self->rows[i];
    return NULL;
}

/* A peer that is kept out waits a minute from its last try; any other counts from its first. */
static int64_t
left_ms(const struct row *row, int64_t now_ms)
{
    int64_t from_ms = row->tries >= LOGIN_THROTTLE_TRIES ? row->last_ms : row->start_ms;
    int64_t end_ms = from_ms + LOGIN_THROTTLE_MS;

    return end_ms > now_ms ? end_ms - now_ms : 0;
}

int64_t
login_throttle_wait_ms(const login_throttle_t *self, const struct client_address *peer,
                       int64_t now_ms)
{
    const struct row *row = find_row(self, peer);

    return row && row->tries >= LOGIN_THROTTLE_TRIES ? left_ms(row, now_ms) : 0;
}

/* The peer's row, or one for it. */
static struct row *
claim_row(login_throttle_t *self, const struct client_address *peer)
{
    const struct row *found = find_row(self, peer);
    struct row *row = &self->rows[0];

    if (found)
        return &self->rows[found - self->rows];
    for (size_t i = 0; i < LOGIN_THROTTLE_PEERS && row->tries; i++)
        if (!self->rows[i].tries || self->rows[i].last_ms < row->last_ms)
            row = &self->rows[i];
    *row = (struct row){.peer = *peer};
    return row;
}

bool
login_throttle_wrong(login_throttle_t *self, const struct client_address *peer,
                     const uint8_t digest[SHA256_SIZE], bool is_guess, int64_t now_ms)
{
    struct row *row = claim_row(self, peer);
    bool is_same = row->tries && digest_is(row->digest, digest);

    if (row->tries && left_ms(row, now_ms) == 0)
        row->tries = 0;
    if (is_same && !is_guess && row->tries)
        return false;
    if (!row->tries)
        row->start_ms = now_ms;
    row->tries++;
    row->last_ms = now_ms;
    memcpy(row->digest, digest, SHA256_SIZE);
    return row->tries == LOGIN_THROTTLE_TRIES;
}
