/* breaker - leaves a model alone that does not answer.
 *
 * Closed: every call may go. After so many failures among the last calls it opens: none may go,
 * for a time that doubles from one opening to the next. Then it is half-open: one call goes as
 * a probe, and what becomes of it closes or opens the breaker. A breaker can also be held open
 * from outside (Retry-After, a refused key).
 *
 * Pure: the time is an argument, in microseconds of any clock that does not go back.
 */
#ifndef ACTORS_EXPLAIN_LLM_BREAKER_H
#define ACTORS_EXPLAIN_LLM_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BREAKER_CALLS = 20, BREAKER_WINDOW_US = 60000000 };

enum breaker_state { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN };

/* NEITHER: the call says nothing of the model. */
enum breaker_result { BREAKER_GOOD, BREAKER_BAD, BREAKER_NEITHER };

struct breaker_rules {
    size_t failures; /* among the last BREAKER_CALLS calls of BREAKER_WINDOW_US, and half of
                        them */
    int64_t open_us, most_open_us;
};

struct breaker {
    struct breaker_rules rules;
    bool is_open;              /* or half-open, from until_us on */
    int64_t until_us, open_us; /* open_us: how long it opens the next time */
    uint64_t last_ticket, first_ticket, probe;
    struct {
        int64_t at_us;
        bool is_bad;
    } calls[BREAKER_CALLS]; /* since it closed, a ring */
    size_t count, next;
};

void breaker_init(struct breaker *self, const struct breaker_rules *rules);

enum breaker_state breaker_state(const struct breaker *self, int64_t now_us);
/* When the next call may go: now_us, or later; INT64_MAX while a probe is under way. */
int64_t breaker_ready_us(const struct breaker *self, int64_t now_us);

/* A ticket for one call, which breaker_leave wants back; 0: it may not go. */
uint64_t breaker_enter(struct breaker *self, int64_t now_us);
/* What a call that began before the breaker last opened has to say comes too late. */
void breaker_leave(struct breaker *self, uint64_t ticket, enum breaker_result result,
                   int64_t now_us);

/* Open until then at least. */
void breaker_hold(struct breaker *self, int64_t until_us);

#endif
