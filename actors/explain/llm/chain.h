/* chain - one prompt, several models, one deadline.
 *
 * The models of llm.chain are asked in order, each over HTTP in the loop, until one answers or
 * there is nothing left that could: the deadline has come, llm.attempts are used up, or the
 * last cause (causes.def) lets no other be asked. While an untried model is left it is asked at
 * once; only behind the last one is a model asked again, once, after a pause. A breaker for
 * each model leaves alone what does not answer. Any number of asks may be under way.
 *
 * Emits    metrics llm_*, one log line for each attempt that failed
 * Owns     its connections; the keys, read from the environment once and shown to nobody
 *
 * Every ask ends once, by its function, from the loop.
 */
#ifndef ACTORS_EXPLAIN_LLM_CHAIN_H
#define ACTORS_EXPLAIN_LLM_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "actors/explain/llm/causes.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"

typedef struct llm_chain llm_chain_t;

/* Looks at a text before it counts: NULL, or what is wrong with it, a constant. */
typedef const char *llm_check_fn(void *arg, const char *text, size_t size, bool is_cut);

struct llm_prompt {
    const char *system, *user; /* UTF-8; copied */
    int max_tokens;            /* of the answer; 0: llm.max_tokens */
    int64_t deadline_us;       /* clock_us() at which the answer must be there */
    /* NULL: any text counts. One that is refused is an attempt that failed, LLM_SCHEMA, and the
     * next model is asked; its breaker does not count it, for the facts may have brought it
     * about. Called until the ask ends. */
    llm_check_fn *check;
    void *check_arg;
};

struct llm_outcome {
    enum llm_cause cause; /* LLM_OK, or why the last attempt failed */
    const char *text;     /* UTF-8, terminated, LLM_OK only */
    size_t size;
    bool is_cut; /* the model stopped at max_tokens: the text may end anywhere */
    const char *provider, *model; /* of the last attempt; NULL if none was made */
    int status;                   /* HTTP, of the last attempt; 0: no answer came */
    const char *what;             /* the provider's word for its error, "" if it had none */
    int attempts;
    int64_t tokens_in, tokens_out; /* over all attempts, as told or estimated */
    int64_t cost_microdollars;     /* the same */
};

/* The outcome, with all its texts, is valid during the call. */
typedef void llm_done_fn(void *arg, const struct llm_outcome *outcome);

/* Borrows all three; settings and the environment are read here. NULL: libcurl failed. */
llm_chain_t *llm_chain_new(loop_t *loop, const settings_t *settings, meters_t *meters);
/* What is under way ends with LLM_CANCELLED, in here. Not from an llm_done_fn. */
void llm_chain_destroy(llm_chain_t **self_p);

/* fn is called once, later. It may ask anew, unless it was cancelled. How many are under way at
 * once is the asker's to bound (llm.in_flight). Returns a number for llm_chain_cancel, never 0.
 */
uint64_t llm_chain_ask(llm_chain_t *self, const struct llm_prompt *prompt, llm_done_fn *fn,
                       void *arg);
/* It ends with LLM_CANCELLED, by its function, later; nothing if it has ended. */
void llm_chain_cancel(llm_chain_t *self, uint64_t ask);

/* Models that can be asked. 0: every ask ends with LLM_DISABLED. */
size_t llm_chain_links(const llm_chain_t *self);
/* What the prompt can cost at most, in microdollars and in tokens: what to reserve of a budget
 * before, and to settle with the outcome after. */
int64_t llm_chain_most_cost(const llm_chain_t *self, const struct llm_prompt *prompt,
                            int64_t *ret_tokens);

#endif
