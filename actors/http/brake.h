/* brake - who has sent wrong tokens of late, so that guessing them takes for ever.
 *
 * The tenth wrong one within a minute keeps its sender out for a minute, right tokens too: else
 * an answer would still tell which is right. A bounded table; when it is full, whoever has been
 * quiet for the longest is forgotten.
 */
#ifndef ACTORS_HTTP_BRAKE_H
#define ACTORS_HTTP_BRAKE_H

#include "actors/http/peer.h"
#include "actors/kit/digest.h"

enum { BRAKE_TRIES = 10, BRAKE_MS = 60000, BRAKE_PEERS = 512 };

typedef struct brake brake_t;

brake_t *brake_new(void);
void brake_destroy(brake_t **self_p);

/* How long this one has to wait; 0: it may try. */
int64_t brake_wait_ms(const brake_t *self, const struct peer *peer, int64_t now_ms);
/* A wrong token of this digest. is_guess: false for what a browser sends by itself, a cookie
 * from before the token was changed: the same one again does not count. True: this was the
 * tenth. */
bool brake_wrong(brake_t *self, const struct peer *peer, const uint8_t digest[SHA256_SIZE],
                 bool is_guess, int64_t now_ms);

#endif
