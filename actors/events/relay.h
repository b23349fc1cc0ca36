/* relay - copies the table `events` to a Redis stream, in order and under the same numbers.
 *
 * It reads on from the last number that Redis has, and Redis refuses any that is not above its
 * last: however many relays run, and whenever one of them dies, each event is there once and in
 * its place. What Redis has lost is copied anew, as far as the table goes back.
 */
#ifndef ACTORS_EVENTS_RELAY_H
#define ACTORS_EVENTS_RELAY_H

#include "actors/kit/bus/event_rows.h"

typedef struct relay relay_t;

relay_t *relay_new(loop_t *loop, const settings_t *settings, pg_t *pg); /* NULL: bad address */
void relay_destroy(relay_t **self_p);                                   /* after the pool */
void relay_look(relay_t *self); /* there may be more in the table */

#endif
