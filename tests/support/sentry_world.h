/* sentry_world - reads what a stub of Sentry was sent: an llm_stub whose answers are those of
 * Sentry. It knows envelopes from their description only; what is not one fails the test. */
#ifndef TESTS_SUPPORT_SENTRY_WORLD_H
#define TESTS_SUPPORT_SENTRY_WORLD_H

#include <jansson.h>

#include "tests/support/llm/llm_stub.h"

enum { ENVELOPE_ITEMS = 8 };

struct envelope {
    char *request; /* head and body, as they came */
    const char *path;
    json_t *header;
    size_t count;
    struct {
        const char *type;
        json_t *header, *payload;
    } items[ENVELOPE_ITEMS];
};

extern const struct llm_stub_step sentry_takes; /* 200 and an id */

/* DSN of project 42 there; the caller frees it. */
#define SENTRY_KEY "0123456789abcdef0123456789abcdef"
char *sentry_dsn_of(const llm_stub_t *stub);

/* Request n (from 0), which must be there; the caller frees it. */
void envelope_read(llm_stub_t *stub, size_t n, struct envelope *ret);
void envelope_fini(struct envelope *self);
/* The payload of its first item of a type, NULL if there is none: borrowed. */
json_t *envelope_item(const struct envelope *self, const char *type);
/* A header of the request ("" if it is absent), until the next call. */
const char *envelope_head(const struct envelope *self, const char *name);

/* Waits until so many requests have come; fails the test after ten seconds. */
void sentry_await(llm_stub_t *stub, size_t count);
/* Waits for an event with this type of exception, or a transaction of this name, and returns
 * its payload, the caller's. */
json_t *sentry_await_event(llm_stub_t *stub, const char *type);
json_t *sentry_await_transaction(llm_stub_t *stub, const char *name);
/* Whether any request holds the text. */
bool sentry_has_text(llm_stub_t *stub, const char *text);

/* Members by their path: "contexts/trace/op"; an index is a number. "" where there is no text;
 * NULL where there is nothing. */
const char *json_text_at(const json_t *root, const char *path);
json_t *json_at(const json_t *root, const char *path);

#endif
