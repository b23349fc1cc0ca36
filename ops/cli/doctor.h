/* doctor - what `tunemill doctor` says of a language model that was tried, in plain words. */
#ifndef OPS_CLI_DOCTOR_H
#define OPS_CLI_DOCTOR_H

#include "actors/explain/llm/chain.h"

struct doctor_words {
    const char *what, *advice; /* sentences without full stop; "" if there is nothing to do */
};

/* status: of HTTP, 0 without an answer. */
struct doctor_words doctor_words(enum llm_cause cause, int status);

#endif
