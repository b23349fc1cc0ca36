/* login_throttle - who has sent wrong tokens of late, so that guessing them takes for ever.
 *
 * The tenth wrong one within a minute keeps its sender out for a minute, right tokens too: else
 * an answer would still tell which is right. A bounded table; when it is full, whoever has been
 * quiet for the longest is forgotten.
 */
#ifndef ACTORS_HTTP_AUTH_LOGIN_THROTTLE_H
#define ACTORS_HTTP_AUTH_LOGIN_THROTTLE_H

#include "actors/http/core/client_address.h"
#include "actors/kit/util/digest.h"

enum { LOGIN_THROTTLE_TRIES = 10, LOGIN_THROTTLE_MS = 60000, LOGIN_THROTTLE_PEERS = 512 };

typedef struct login_throttle login_throttle_t;

login_throttle_t *login_throttle_new(void);
void login_throttle_destroy(login_throttle_t **self_p);

/* How long this one has to wait; 0: it may try. */
int64_t login_throttle_wait_ms(const login_throttle_t *self, const struct client_address *peer,
                               int64_t now_ms);
/* A wrong token of this digest. is_guess: false for what a browser sends by itself, a cookie
 * from before the token was changed: the same one again does not count. True: this was the
 * tenth. */
bool login_throttle_wrong(login_throttle_t *self, const struct client_address *peer,
                          const uint8_t digest[SHA256_SIZE], bool is_guess, int64_t now_ms);

#endif
