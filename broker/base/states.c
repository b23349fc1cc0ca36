#include "broker/base/states.h"

#include <assert.h>
#include <stdbool.h>

#include "actors/kit/runtime/log.h"

void
states_move(const states_t *self, const char *whose, unsigned from, unsigned to)
{
    bool is_legal = (self->moves[from] >> to & 1) != 0;

    log_write(is_legal ? LOG_AT_DEBUG : LOG_AT_ERROR, self->event, "of=%s from=%s to=%s", whose,
              self->names[from], self->names[to]);
    assert(is_legal);
}
