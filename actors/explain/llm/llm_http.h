/* llm_http - POSTs to language models in a loop: any number under way on one thread.
 *
 * What a provider can do to us is bounded: time (until it is connected, until its answer
 * begins, while it stalls, as a whole), bytes (unpacked), and where it sends us (nowhere:
 * redirects are answers). Each request is one connection of its own and goes out once: libcurl
 * repeats nothing by itself then, so what is counted here is what a provider has got.
 */
#ifndef ACTORS_EXPLAIN_LLM_LLM_HTTP_H
#define ACTORS_EXPLAIN_LLM_LLM_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "actors/explain/llm/causes.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/settings.h"

typedef struct llm_http llm_http_t;
typedef struct llm_call llm_call_t;

struct llm_request {
    const char *url;
    const char *const *headers; /* lines, up to NULL */
    const char *body;           /* copied, as everything here */
    size_t size;
    bool is_local;       /* plain http is allowed, and no proxy asked */
    int64_t deadline_us; /* clock_us() */
};

struct llm_reply {
    enum llm_cause cause; /* LLM_OK: a status and a body came, whatever they say */
    int status;           /* 0: none came */
    const char *body;     /* of a status from 400 on perhaps not whole */
    size_t size;
    const char *retry_after, *retry_after_ms; /* headers, "" without */
    bool is_ours; /* it was given up before the provider had used up its own time */
    int64_t took_us;
};

/* Borrowed during the call, which is made once, from the loop. */
typedef void llm_reply_fn(void *arg, const struct llm_reply *reply);

llm_http_t *llm_http_new(loop_t *loop, const settings_t *settings); /* NULL: libcurl failed */
void llm_http_destroy(llm_http_t **self_p);                         /* nothing is called */

/* NULL: it could not be begun. */
llm_call_t *llm_http_post(llm_http_t *self, const struct llm_request *request, llm_reply_fn *fn,
                          void *arg);
void llm_http_cancel(llm_call_t **call_p); /* fn is not called */

#endif
