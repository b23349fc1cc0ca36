/* http_explain_help - a bridge, a broker and who explains; what is asked of them and what came.
 */
#ifndef TESTS_UNIT_HTTP_HTTP_EXPLAIN_HELP_H
#define TESTS_UNIT_HTTP_HTTP_EXPLAIN_HELP_H

#include "tests/support/broker_world.h"
#include "tests/support/explain_stand_in.h"
#include "tests/support/reads_world.h"

#define ELSEWHERE "00000000-0000-0000-0000-000000000002"
#define STRATEGY  "8fd7589a-97c6-49bf-a65e-357fb063fe33"
#define TUNE(n)   "/backtests/tunes/00000000-0000-7000-8000-00000000000" #n
#define JSON      "Content-Type: application/json"

#define TEXT_ANSWER                                                                    \
    "{\"text\":\"It stands on a plateau.\",\"provider\":\"openai\",\"model\":\"m-1\"," \
    "\"cause\":\"ok\",\"cache_hit\":true,\"latency_ms\":7,"                            \
    "\"generated_at\":\"2026-11-24T05:00:00.000Z\"}"

/* Scores for add_tune */
#define PLATEAU "1 - (x * x + y * y) * 0.01"
#define SPIKE   "CASE WHEN x = 0 AND y = 0 THEN 1 ELSE ((x + 2 * y) % 3) * 0.01 END"

extern struct broker_world brokers;
extern struct reads_world world;
extern struct explain_stand_in explainer;

void set_up(void);
void tear_down(void);
void start_explainer(const char *answer);
void add_tune(unsigned number, const char *score);
void ask(const char *path, const char *type, const char *body, struct reads_answer *ret);
const char *text_of(const struct reads_answer *answer, const char *name);
void explain(const char *path, const char *body, struct reads_answer *ret);
void expect_degraded(const struct reads_answer *answer, const char *reasons);

#endif
