/* job_spec - what is handed in: a job, a question to a service, a piece of a dataset.
 *
 * A client sends all of them (client.h); a worker hands in jobs with the end of its own
 * (worker.h). A field left 0 has the default that stands beside it. What a pointer points to is
 * copied, or read, before the call returns that takes the struct.
 */
#ifndef PROTO_JOB_SPEC_H
#define PROTO_JOB_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uuid.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tm_job_spec {
    tm_uuid_t job;       /* nil: one is made, and told in the answer */
    const char *queue;   /* 1 to 64 of a-z 0-9 . _ - */
    tm_uuid_t workspace; /* the tenant it belongs to */
    const char *key;     /* idempotency key, 1 to 200 bytes, or NULL */
    const char *scope;   /* the key is unique in it and the workspace; 64 bytes; NULL: "" */
    const uint8_t *request_hash; /* 32 bytes, SHA-256 of the request; needed with a key */
    uint32_t priority;           /* 0 first, 9 last */
    bool has_priority;           /* false: 5 */
    uint64_t delay_ms;           /* not before so long from now; at most 365 days */
    uint64_t timeout_ms;         /* longest run of one attempt, at most 7 days; 0: any */
    uint64_t expires_ms;         /* dead unless started by then, at most 365 days; 0: never */
    uint32_t max_attempts;       /* failures until it is dead, at most 100; 0: the broker's */
    const char *traceparent;     /* W3C trace context, at most 64 bytes, or NULL */
    bool watch;                  /* on_progress and on_result are wanted */
    const void *body;
    size_t body_size; /* at most the broker's max body, 1 MiB as shipped; else TM_TOO_LARGE */
};

/* A question to a service. */
struct tm_call_spec {
    const char *service;     /* 1 to 64 of a-z 0-9 . _ - */
    uint32_t deadline_ms;    /* from now, at most 10 minutes */
    const char *traceparent; /* as above */
    const void *body;
    size_t body_size;
};

/* One piece of a dataset: 1 MiB but for the last. data NULL asks whether the whole is known. */
struct tm_piece {
    const uint8_t *sha256; /* 32 bytes, of the whole */
    uint64_t size;         /* of the whole, below 4 GiB */
    uint64_t offset;       /* in the whole: a multiple of 1 MiB */
    const void *data;
    size_t data_size;
};

#ifdef __cplusplus
}
#endif

#endif
