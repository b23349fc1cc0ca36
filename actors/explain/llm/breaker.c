/* Tickets are numbered. Those of calls that began since the breaker closed are first_ticket and
 * above; the one of the probe is kept; all others are of calls that are judged no more. */
#include "actors/explain/llm/breaker.h"

void
breaker_init(struct breaker *self, const struct breaker_rules *rules)
{
    *self = (struct breaker){.rules = *rules, .open_us = rules->open_us, .first_ticket = 1};
    if (self->open_us > rules->most_open_us)
        self->open_us = self->rules.open_us = rules->most_open_us;
}

enum breaker_state
breaker_state(const struct breaker *self, int64_t now_us)
{
    if (!self->is_open)
        return BREAKER_CLOSED;
    return now_us < self->until_us ? BREAKER_OPEN : BREAKER_HALF_OPEN;
}

int64_t
breaker_ready_us(const struct breaker *self, int64_t now_us)
{
    if (!self->is_open)
        return now_us;
    if (self->probe)
        return INT64_MAX;
    return now_us < self->until_us ? self->until_us : now_us;
}

uint64_t
breaker_enter(struct breaker *self, int64_t now_us)
{
    if (breaker_ready_us(self, now_us) > now_us)
        return 0;
    self->last_ticket++;
    if (self->is_open)
        self->probe = self->last_ticket;
    return self->last_ticket;
}

static void
open_now(struct breaker *self, int64_t now_us)
{
    const int64_t most_us = self->rules.most_open_us;

    breaker_hold(self, now_us + self->open_us);
    self->open_us = self->open_us < most_us / 2 ? self->open_us * 2 : most_us;
}

static void
close_now(struct breaker *self)
{
    self->is_open = false;
    self->open_us = self->rules.open_us;
    self->first_ticket = self->last_ticket + 1;
    self->count = self->next = 0;
}

static void
note(struct breaker *self, bool is_bad, int64_t now_us)
{
    self->calls[self->next].at_us = now_us;
    self->calls[self->next].is_bad = is_bad;
    self->next = (self->next + 1) % BREAKER_CALLS;
    if (self->count < BREAKER_CALLS)
        self->count++;
}

static bool
has_failed(const struct breaker *self, int64_t now_us)
{
    size_t recent = 0, bad = 0;

    for (size_t i = 0; i < self->count; i++) {
        if (now_us - self->calls[i].at_us > BREAKER_WINDOW_US)
            continue;
        recent++;
        bad += self->calls[i].is_bad;
    }
    return bad >= self->rules.failures && bad * 2 >= recent;
}

static void
end_probe(struct breaker *self, enum breaker_result result, int64_t now_us)
{
    self->probe = 0;
    if (result == BREAKER_GOOD)
        close_now(self);
    else if (result == BREAKER_BAD)
        open_now(self, now_us);
}

void
breaker_leave(struct breaker *self, uint64_t ticket, enum breaker_result result, int64_t now_us)
{
    if (ticket && ticket == self->probe) {
        end_probe(self, result, now_us);
        return;
    }
    if (self->is_open || ticket < self->first_ticket || result == BREAKER_NEITHER)
        return;
    note(self, result == BREAKER_BAD, now_us);
    if (result == BREAKER_BAD && has_failed(self, now_us))
        open_now(self, now_us);
}

void
breaker_hold(struct breaker *self, int64_t until_us)
{
    if (!self->is_open || until_us > self->until_us)
        self->until_us = until_us;
    self->is_open = true;
}
