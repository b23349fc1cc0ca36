/* llm_help - a chain of three stubs, and what it says of each ask. Standard error is kept: no
 * test leaves a key there. */
#ifndef TESTS_UNIT_EXPLAIN_LLM_HELP_H
#define TESTS_UNIT_EXPLAIN_LLM_HELP_H

#include <check.h>

#include "actors/explain/llm/chain.h"
#include "tests/support/llm/llm_stub.h"

/* openai:one, anthropic:two, ollama:three */
enum { LLM_STUBS = 3 };
#define LLM_CHAIN_OF_ONE   "llm.chain=openai:one"
#define LLM_CHAIN_OF_TWO   "llm.chain=openai:one,anthropic:two"
#define LLM_CHAIN_OF_THREE "llm.chain=openai:one,anthropic:two,ollama:three"

/* Every key holds this word, and nothing else does. */
#define LLM_SECRET        "s3cr3t"
#define LLM_OPENAI_KEY    "sk-" LLM_SECRET "-of-openai"
#define LLM_ANTHROPIC_KEY "sk-ant-" LLM_SECRET "-of-anthropic"

extern llm_stub_t *llm_stubs[LLM_STUBS];
extern llm_chain_t *llm_chain;
extern loop_t *llm_loop;
extern meters_t *llm_meters;
extern int llm_deadline_ms; /* of asks, from when they begin */

/* A checked fixture. The chain is that of three, with pauses short enough for a test. */
void llm_setup(void);
void llm_teardown(void);

void llm_set(const char *assignment);                           /* before llm_start */
void llm_start(void);                                           /* makes the chain */
void llm_script(size_t stub, const struct llm_stub_step *step); /* for all its requests */

/* What became of an ask. */
struct llm_told {
    int times; /* it ended */
    enum llm_cause cause;
    char text[256], provider[32], model[128], what[64];
    int status, attempts;
    bool is_cut;
    int64_t tokens_in, tokens_out, cost, deadline_us;
};

/* Asks; told stays until it ends, which is by its deadline. */
uint64_t llm_begin(struct llm_told *told);
void llm_wait(size_t count);          /* until so many more asks have ended */
const struct llm_told *llm_ask(void); /* one ask, from begin to end */

void llm_expect(const struct llm_told *told, enum llm_cause cause, const char *model);
void llm_expect_requests(size_t one, size_t two, size_t three);
/* 0 closed, 1 half-open, 2 open, as the metric has it */
void llm_expect_breaker(const char *provider, const char *model, uint64_t state);
uint64_t llm_counted(const char *a, const char *b, const char *c, metric_t metric);

const char *llm_log(void); /* so far, with what debug says */

#endif
