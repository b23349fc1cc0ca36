/* explain_help - a real explain process with a real broker and database; the model is a stub.
 */
#ifndef TESTS_UNIT_EXPLAIN_EXPLAIN_HELP_H
#define TESTS_UNIT_EXPLAIN_EXPLAIN_HELP_H

#include <check.h>

#include "actors/kit/contracts/explain_call.h"
#include "proto/client.h"
#include "tests/support/broker_world.h"
#include "tests/support/llm/llm_stub.h"

#define OTHER_WORKSPACE "00000000-0000-0000-0000-000000000002"

extern pg_fixture_t *explain_fixture; /* made by the test program's main */
extern struct broker_world brokers;
extern llm_stub_t *stub;
extern tm_client_t *client;
extern pid_t explainer;

/* A database, a broker and a stub that answers well; no explain process yet. */
void explain_set_up(void);
void explain_tear_down(void);
/* settings: "section.name=value", NULL. Returns when the service is there. */
void start_explainer(const char *const *settings);
void end_explainer(int signal_number); /* fails the test unless it ends well, or is killed */

struct asked {
    bool is_over;
    tm_err_t err; /* of the call */
    char detail[300];
    struct explain_answer answer;
};
/* About tune `subject` of the first workspace; facts: JSON with ' for ". */
void ask_for(struct asked *self, const char *workspace, unsigned subject, const char *facts,
             uint32_t deadline_ms);
void ask(struct asked *self, unsigned subject, const char *facts);
void await(struct asked *asked, size_t count);
void asked_fini(struct asked *self);

/* Asks and waits: the cause. */
const char *cause_of(struct asked *self, unsigned subject, const char *facts);
/* Asks and waits; the answer is not looked at further. */
void expect_cause(unsigned subject, const char *facts, const char *cause);

#endif
