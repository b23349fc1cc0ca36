/* redis_link - one connection to a Redis server in a loop, through hiredis; it comes back by
 * itself.
 *
 * redis://[:PASSWORD@]HOST[:PORT][/DATABASE], or unix:///PATH. What was asked when the
 * connection is lost is answered with NULL, as is what is asked without one.
 */
#ifndef ACTORS_KIT_BUS_REDIS_LINK_H
#define ACTORS_KIT_BUS_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "actors/kit/runtime/loop.h"

typedef struct redis_link redis_link_t;
typedef void redis_reply_fn(void *arg, const redisReply *reply); /* NULL: none came */

/* on_up: at each connection, when commands may be sent. NULL: the address is none. */
redis_link_t *redis_link_new(loop_t *loop, const char *url, loop_fn *on_up, void *arg);
void redis_link_destroy(redis_link_t **self_p); /* what was asked is answered with NULL first */
bool redis_link_is_up(const redis_link_t *self);
/* printf-like, %s and %b (data, size_t), as in hiredis. */
void redis_link_ask(redis_link_t *self, redis_reply_fn *fn, void *arg, const char *format, ...);

#endif
