/* explanations - questions in, texts out: the cache, the budget, the models, the check of what
 * they write.
 *
 *     find      PostgreSQL: the very prompt, answered before             -> done, or reserve
 *     reserve   PostgreSQL: the most it can cost, of the workspace's day -> ask, or done
 *     ask       the chain of models (chain.h)                            -> finish
 *     finish    PostgreSQL: what it did cost, and the text if it may be shown -> done
 *
 * Who asks what is being asked already waits for the same answer. What the database cannot say
 * is not known: a text is then asked for again, and a workspace with a limit is not asked for
 * at all.
 *
 * Emits    the metrics explain_*, one log line for each question
 * Owns     nothing but what is under way
 */
#ifndef ACTORS_EXPLAIN_EXPLANATIONS_H
#define ACTORS_EXPLAIN_EXPLANATIONS_H

#include "actors/explain/llm/chain.h"
#include "actors/kit/contracts/explain_call.h"
#include "actors/kit/pg/pg.h"

typedef struct explanations explanations_t;

/* The answer, a struct explain_answer without its latency, is valid during the call. */
typedef void explain_answer_fn(void *waiter, void *answer);

/* Borrows all; pool and chain end first, and end what is under way. */
explanations_t *explanations_new(const settings_t *settings, meters_t *meters, pg_t *pg,
                                 llm_chain_t *chain, explain_answer_fn *fn);
void explanations_destroy(explanations_t **self_p);

/* fn is called once for the waiter, perhaps from in here. deadline_us: of clock_us(). */
void explanations_ask(explanations_t *self, const struct explain_question *question,
                      int64_t deadline_us, void *waiter);
size_t explanations_count(const explanations_t *self); /* under way */
/* From now on nothing is begun; what the models have ends with LLM_CANCELLED, soon. */
void explanations_end(explanations_t *self);

#endif
