/* explain - the process `tunemill explain`: puts facts into words with a language model.
 *
 * Handles  CALL to "explain" (actors/kit/contracts/explain_call.h), up to llm.in_flight at once
 * Emits    RETURN with the text, or with the cause of there being none; ERROR for what is no
 *          question
 * Owns     a worker end, database connections, the chain of models: all in one thread and loop
 *
 * Any number of them may run. When none does, or no model answers, whoever asked makes a text
 * of the facts alone: nobody waits for this process longer than llm.timeout_seconds.
 *
 *     explain.c        the process
 *     explanations.c   from a question to its text
 *     prompt.c         what a model is told        text_check.c  what of its words is shown
 *     records.c        cache and budget            chain.c       the models, and their outages
 */
#ifndef ACTORS_EXPLAIN_EXPLAIN_H
#define ACTORS_EXPLAIN_EXPLAIN_H

#include "actors/kit/service/service.h"

/* At the end what is asked may end for some seconds. */
extern const struct service_type explain_service;

#endif
