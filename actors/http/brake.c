#include "actors/http/brake.h"

#include <czmq.h>

struct row {
    struct peer peer;
    unsigned tries;            /* since start_ms; 0: the row is free */
    int64_t start_ms, last_ms; /* of the minute; of the last wrong token */
    uint8_t digest[SHA256_SIZE];
};

struct brake {
    struct row rows[BRAKE_PEERS];
};

brake_t *
brake_new(void)
{
    return zmalloc(sizeof(brake_t));
}

void
brake_destroy(brake_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static const struct row *
find(const brake_t *self, const struct peer *peer)
{
    for (size_t i = 0; i < BRAKE_PEERS; i++)
        if (self->rows[i].tries && memcmp(&self->rows[i].peer, peer, sizeof(*peer)) == 0)
            return &self->rows[i];
    return NULL;
}

/* The minute of those who are kept out starts with their last try. */
static int64_t
left_ms(const struct row *row, int64_t now_ms)
{
    int64_t from_ms = row->tries >= BRAKE_TRIES ? row->last_ms : row->start_ms;
    int64_t end_ms = from_ms + BRAKE_MS;

    return end_ms > now_ms ? end_ms - now_ms : 0;
}

int64_t
brake_wait_ms(const brake_t *self, const struct peer *peer, int64_t now_ms)
{
    const struct row *row = find(self, peer);

    return row && row->tries >= BRAKE_TRIES ? left_ms(row, now_ms) : 0;
}

/* The peer's row, or one for it. */
static struct row *
claim(brake_t *self, const struct peer *peer)
{
    const struct row *found = find(self, peer);
    struct row *row = &self->rows[0];

    if (found)
        return &self->rows[found - self->rows];
    for (size_t i = 0; i < BRAKE_PEERS && row->tries; i++)
        if (!self->rows[i].tries || self->rows[i].last_ms < row->last_ms)
            row = &self->rows[i];
    *row = (struct row){.peer = *peer};
    return row;
}

bool
brake_wrong(brake_t *self, const struct peer *peer, const uint8_t digest[SHA256_SIZE],
            bool is_guess, int64_t now_ms)
{
    struct row *row = claim(self, peer);
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
    return row->tries == BRAKE_TRIES;
}
