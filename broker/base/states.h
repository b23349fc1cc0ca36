/* states - the legal moves of a state, in one table for each kind.
 *
 * A state is an enum that one function changes: it calls states_move, which logs the change and
 * stops at one that the table does not have.
 */
#ifndef BROKER_BASE_STATES_H
#define BROKER_BASE_STATES_H

#include <stdint.h>

enum { STATES_MOST = 5 };

typedef struct {
    const char *event; /* in the log */
    const char *names[STATES_MOST];
    uint8_t
        moves[STATES_MOST]; /* from each: a bit, 1 << state, for every one that may follow */
} states_t;

void states_move(const states_t *self, const char *whose, unsigned from, unsigned to);

#endif
