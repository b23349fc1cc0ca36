/* sentry_sender - takes events to Sentry, in a thread of its own.
 *
 * Whoever has an event puts it into a queue of SENTRY_QUEUE and goes on; when it is full, or
 * Sentry wants no more for now (sentry_limits.h), the event is dropped. One that could not be
 * delivered is not sent again. What was dropped is counted, and Sentry told with the next
 * envelope.
 *
 * Owns     its thread, which blocks all signals, and a connection
 */
#ifndef ACTORS_KIT_SENTRY_SENTRY_SENDER_H
#define ACTORS_KIT_SENTRY_SENTRY_SENDER_H

#include "actors/kit/sentry/sentry_dsn.h"
#include "actors/kit/sentry/sentry_envelope.h"
#include "actors/kit/sentry/sentry_scrub.h"
#include "actors/kit/sentry/sentry_sender.def"

enum { SENTRY_QUEUE = 256 };

enum sentry_outcome {
#define X(NAME, word, reason) SENTRY_##NAME,
    SENTRY_OUTCOMES(X)
#undef X
        SENTRY_OUTCOME_COUNT
};
const char *sentry_outcome_name(enum sentry_outcome outcome);

typedef struct sentry_sender sentry_sender_t;

struct sentry_sender_options {
    const struct sentry_dsn *dsn; /* copied */
    const scrub_t *scrub;         /* borrowed */
    int timeout_ms;               /* of one envelope */
    int report_ms;                /* what was dropped is told after so long, should there be no
                                     envelope before */
    int end_ms;                   /* of sentry_sender_destroy */
    /* any thread, and not under a lock of the sender's */
    void (*count)(void *arg, enum sentry_outcome outcome);
    void *arg;
};

sentry_sender_t *sentry_sender_new(const struct sentry_sender_options *options); /* or NULL */
/* Sends what waits, for at most end_ms, and is gone. */
void sentry_sender_destroy(sentry_sender_t **self_p);

/* Any thread, at once. Takes the payload (sentry_envelope.h), which may be NULL: no memory. */
void sentry_sender_put(sentry_sender_t *self, enum sentry_category category,
                       const char id[SENTRY_ID_TEXT], char **payload_p);
/* Any thread: one was not even made. */
void sentry_sender_drop(sentry_sender_t *self, enum sentry_category category,
                        enum sentry_outcome outcome);

#endif
