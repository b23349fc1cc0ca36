/* http_runs_help - a real bridge with a real broker and a real tune process, and tunes in them.
 */
#ifndef TESTS_UNIT_HTTP_HTTP_RUNS_HELP_H
#define TESTS_UNIT_HTTP_HTTP_RUNS_HELP_H

#include <check.h>

#include "tests/support/broker_world.h"
#include "tests/support/reads_world.h"
#include "tests/support/tune_world.h"

#define ELSEWHERE "00000000-0000-0000-0000-000000000002"
#define TUNES     "/backtests/tunes/"
#define RUNS      "/backtests/runs/"

extern struct broker_world brokers;
extern struct reads_world world;
extern pid_t tuner;

void runs_set_up(void);
void runs_tear_down(void);
void start_tuner(void);
void end_tuner(int signal_number);

void await_status(const char *id, const char *status);
char *completed(const char *const *fields); /* a tune of bb_reversal on SYND; its id, owned */
char *running(void);                        /* one that takes minutes, and works */
char *run_of(const char *tune, unsigned trial);

void ask(const char *method, const char *before, const char *id, const char *after,
         struct reads_answer *ret);
void expect(const char *method, const char *before, const char *id, const char *after,
            long status, const char *code); /* code "": no problem */

TCase *http_backtest_case(void);

#endif
