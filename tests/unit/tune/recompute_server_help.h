/* recompute_server_help - the service that shows back-tests, with a real database and a broker
 * played by hand, and what is asked of it. */
#ifndef TESTS_UNIT_TUNE_RECOMPUTE_SERVER_HELP_H
#define TESTS_UNIT_TUNE_RECOMPUTE_SERVER_HELP_H

#include <check.h>

#include "actors/tune/recompute/recompute_server.h"
#include "tests/support/patience.h"
#include "tests/support/tune_world.h"
#include "tests/unit/proto/fake_broker.h"

enum { DEADLINE_MS = 15000 };

extern struct tune_world world;
extern fake_broker_t *broker;
extern tm_uuid_t tune; /* the first that ran */

void start_server(void);
void tell_server_to_end(void);
void end_server(void); /* and waits */
void make_tune(const char *data);
void make_other_tune(void); /* on data that the server has not read yet */
void service_set_up(void);
void service_tear_down(void);
void lock_data(void); /* no computation that needs its data ends until unlock_data() */
void unlock_data(void);
uint64_t answers_from(const char *source);
uint64_t trials_read(void);
struct backtest_call run_of(uint32_t trial);
struct backtest_call other_run_of(uint32_t trial);
void await_locked(const char *number); /* so many have come as far as the lock */
/* These three return the number of the call. */
uint64_t send_text(const char *service, const char *question, uint64_t deadline_ms);
uint64_t send_until(const struct backtest_call *call, uint64_t deadline_ms);
uint64_t send_call(const struct backtest_call *call);
char *take_answer(uint64_t ref);                /* the caller frees it; so answer_to */
void expect_both(uint64_t one, uint64_t other); /* in any order */
void expect_error(uint64_t ref, tm_err_t err);
char *answer_to(const struct backtest_call *call);
void expect_any(struct backtest_call call);
void expect_same(const struct backtest_call *call, const char *before);
bool is_answered(const struct backtest_call *call); /* whether it was a text, and no error */

#endif
