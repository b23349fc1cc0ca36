/* sentry_envelope - what Sentry reads, as text: errors, transactions, and reports of what was
 * left out. Nothing is sent here.
 *
 * An event's own JSON is made in the thread where it happens; the envelope around it, with the
 * time, when it is sent.
 */
#ifndef ACTORS_KIT_SENTRY_SENTRY_ENVELOPE_H
#define ACTORS_KIT_SENTRY_SENTRY_ENVELOPE_H

#include <jansson.h>
#include <stdint.h>

#include "actors/kit/sentry/sentry_limits.h"
#include "actors/kit/runtime/traceparent.h"

#define SENTRY_ID_TEXT 33
#define SENTRY_CLIENT  "tunemill/" TM_VERSION

/* What is the same in everything a process tells. */
struct sentry_origin {
    char actor[32], release[64], environment[65], server[65];
};

/* What is told beside: all may be NULL. Names are constants of ours. */
struct sentry_notes {
    json_t *tags;    /* short texts one can search for */
    json_t *numbers; /* measurements, with their units */
    json_t *data;    /* what the span worked on */
};
/* self NULL: nothing is done. A value is cut to 200 bytes; NULL or "" is none. */
void sentry_tag(struct sentry_notes *self, const char *name, const char *value);
/* unit: one of Sentry's, "millisecond", "byte", "none" ... */
void sentry_number(struct sentry_notes *self, const char *name, double value, const char *unit);
void sentry_data(struct sentry_notes *self, const char *name, const char *value);
void sentry_data_number(struct sentry_notes *self, const char *name, double value);
void sentry_notes_fini(struct sentry_notes *self);

struct sentry_event {
    const char *type;   /* what happened: a log line's event */
    const char *reason; /* with the type, what makes two events the same; may be NULL */
    const char *value;  /* in words */
    const char *level;  /* "error", "warning" */
    const json_t *extra, *crumbs;
    uint64_t repeated; /* the same, since the last that was told */
    const traceparent_t *trace;
    const struct sentry_notes *notes;
};

struct sentry_transaction {
    const char *name, *source; /* source: of the name, "route" or "task" */
    const char *op;            /* "http.server", "queue.process" ... */
    int http;                  /* status, also of what was not HTTP: that of its error */
    const traceparent_t *trace;
    int64_t took_us; /* it ends now */
    const struct sentry_notes *notes;
};

/* The JSON of one; the caller frees it. NULL: no memory. ret_id: its id. */
char *sentry_event_text(const struct sentry_origin *origin, const struct sentry_event *event,
                        char ret_id[SENTRY_ID_TEXT]);
char *sentry_transaction_text(const struct sentry_origin *origin,
                              const struct sentry_transaction *transaction,
                              char ret_id[SENTRY_ID_TEXT]);

/* What was left out, and why. */
struct sentry_discard {
    const char *reason; /* one of Sentry's */
    enum sentry_category category;
    uint64_t quantity;
};
char *sentry_report_text(const struct sentry_discard *discards, size_t count, int64_t utc_ms);

/* payload NULL: only the report; report may be NULL. *ret_size: without the NUL behind it. */
struct sentry_item {
    const char *id; /* of the payload */
    enum sentry_category category;
    const char *payload, *report;
};
char *sentry_envelope_text(const struct sentry_item *item, int64_t utc_ms, size_t *ret_size);

#endif
