/* llm_stub - a language model for tests: an HTTP server in a few threads that answers like any
 * of the providers, as a script says, and counts what it is asked.
 *
 * One stub is one provider; which shape it answers in, the path of a request tells.
 */
#ifndef TESTS_SUPPORT_LLM_LLM_STUB_H
#define TESTS_SUPPORT_LLM_LLM_STUB_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/support/llm/llm_stub_text.h"

#define LLM_STUB_TEXT "The stub has read the figures." /* of a good answer */

enum llm_stub_act {
    STUB_GOOD,         /* 200 and a text: that of the step, or LLM_STUB_TEXT */
    STUB_EMPTY,        /* 200, of the right shape, without a text */
    STUB_ERROR_IN_200, /* 200 {"error": ...} */
    STUB_BODY,         /* the step's status (200), headers and body */
    STUB_CUT,          /* 200, and the connection ends in mid-body */
    STUB_DRIBBLE,      /* 200, a byte now and then */
    STUB_PAD,          /* 200, blanks for delay_ms (0: for ever), then good */
    STUB_HUGE,         /* 200, 100 MB without a length */
    STUB_BOMB,         /* 200, 64 MB in 400 kB of gzip */
    STUB_HANG,         /* takes the request and never answers */
    STUB_RESET,        /* resets the connection in mid-headers */
    STUB_GATHER,       /* good, but not before `gather` requests wait, or a release */
};

struct llm_stub_step {
    enum llm_stub_act act;
    int status;          /* of STUB_BODY; 0: 200 */
    const char *headers; /* lines that end in CRLF, or NULL */
    const char *body;    /* or text; NULL: none */
    int delay_ms;        /* before it answers */
    size_t gather;
};

typedef struct llm_stub llm_stub_t;

llm_stub_t *llm_stub_new(void);     /* answers well */
llm_stub_t *llm_stub_tls_new(void); /* https, with a certificate that nobody has signed */
void llm_stub_destroy(llm_stub_t **self_p);

/* Borrowed. Request n from now on gets step n, all further ones the last. The counts begin
 * anew. */
void llm_stub_script(llm_stub_t *self, const struct llm_stub_step *steps, size_t count);
/* Whoever gathers waits no longer. */
void llm_stub_release(llm_stub_t *self);
/* Nobody listens at its address any more. */
void llm_stub_refuse(llm_stub_t *self);

const char *llm_stub_url(const llm_stub_t *self); /* http://127.0.0.1:port */
size_t llm_stub_requests(llm_stub_t *self);       /* read whole */
size_t llm_stub_connections(llm_stub_t *self);
/* Request n (from 0), head and body as they came; the caller frees it. NULL: it was not made.
 */
char *llm_stub_request(llm_stub_t *self, size_t n);

#endif
