/* What a workspace may use in a day: reserved before, settled after, whoever asks at once. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/explain/explain_help.h"
#include "tests/support/suite.h"

#define FACTS "{'strategy':'x'}"
#define USED  ((long)LLM_STUB_TOKENS_IN + LLM_STUB_TOKENS)
#define COST  ((long)LLM_STUB_TOKENS_IN + 2L * LLM_STUB_TOKENS)

/* A model at a dollar for a million tokens in, two for as many out. */
static const char *const limited[] = {"llm.chain=openai:priced",
                                      "llm.models=priced=100000/1/2",
                                      "llm.attempts=1",
                                      "llm.timeout_seconds=20",
                                      "llm.daily_tokens=1000000",
                                      "llm.daily_usd=1",
                                      NULL};

static void
set(const char *assignment)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "UPDATE llm_budget SET %s", assignment);
    broker_world_run(&brokers, sql);
}

static long
tokens(void)
{
    return broker_world_count(&brokers, "SELECT sum(tokens) FROM llm_budget");
}

START_TEST(what_a_question_used_is_written)
{
    start_explainer(limited);
    expect_cause(1, FACTS, "ok");
    ck_assert_int_eq(tokens(), USED);
    expect_cause(1, FACTS, "ok"); /* from the cache: free */
    expect_cause(2, FACTS, "ok");
    ck_assert_int_eq(tokens(), 2 * USED);
    ck_assert_int_eq(broker_world_count(&brokers, "SELECT microdollars FROM llm_budget"),
                     2 * COST);
    ck_assert_int_eq(broker_world_count(&brokers,
                                        "SELECT count(*) FROM llm_budget"
                                        " WHERE day = (now() AT TIME ZONE 'UTC')::date"),
                     1);
}
END_TEST

static void
expect_no_budget(void)
{
    struct asked asked;
    size_t before = llm_stub_requests(stub);

    ck_assert_str_eq(cause_of(&asked, 100, FACTS), "budget");
    ck_assert_ptr_null(asked.answer.text);
    ck_assert_int_eq(asked.answer.reason, EXPLAIN_RATE_LIMIT);
    ck_assert_uint_eq(llm_stub_requests(stub), before);
}

START_TEST(past_the_tokens_of_the_day_nobody_is_asked)
{
    struct asked asked;

    start_explainer(limited);
    expect_cause(1, FACTS, "ok");
    set("tokens = 999999");
    expect_no_budget();
    ck_assert_int_eq(tokens(), 999999);
    expect_cause(1, FACTS, "ok"); /* what is kept costs nothing */
    ask_for(&asked, OTHER_WORKSPACE, 1, FACTS, 10000);
    await(&asked, 1);
    ck_assert_str_eq(asked.answer.cause, "ok");
    asked_fini(&asked);
}
END_TEST

START_TEST(past_the_money_of_the_day_nobody_is_asked)
{
    start_explainer(limited);
    expect_cause(1, FACTS, "ok");
    set("microdollars = 1000000");
    expect_no_budget();
}
END_TEST

START_TEST(a_new_day_has_a_new_budget)
{
    start_explainer(limited);
    expect_cause(1, FACTS, "ok");
    set("tokens = 1000000, day = day - 1");
    expect_cause(2, FACTS, "ok");
    ck_assert_int_eq(tokens(), 1000000 + USED);
}
END_TEST

START_TEST(a_question_larger_than_the_whole_budget_is_not_asked)
{
    static const char *const tight[] = {"llm.chain=openai", "llm.daily_tokens=10", NULL};

    start_explainer(tight);
    expect_no_budget();
    ck_assert_int_eq(broker_world_count(&brokers, "SELECT count(*) FROM llm_budget"), 0);
}
END_TEST

/* What failed is not charged beyond what was sent. */
START_TEST(a_failure_gives_back_what_was_reserved)
{
    static const struct llm_stub_step refused = {.act = STUB_BODY, .status = 401, .body = "{}"};

    llm_stub_script(stub, &refused, 1);
    start_explainer(limited);
    expect_cause(1, FACTS, "auth");
    ck_assert_int_lt(tokens(), 700); /* llm.max_tokens, which were reserved for the answer */
}
END_TEST

/* Room for three of twenty that ask at once: three it is, whoever comes first, and while the
 * stub answers none of them, none gives anything back. */
START_TEST(those_who_ask_at_once_do_not_pass_the_limit_together)
{
    enum { MANY = 20, ROOM = 3 };
    static const struct llm_stub_step hang = {.act = STUB_HANG};
    static struct asked asked[MANY], alone;
    char assignment[100];
    size_t over = 0;

    llm_stub_script(stub, &hang, 1);
    start_explainer(limited);
    ask_for(&alone, OTHER_WORKSPACE, 1, FACTS, 300);
    broker_world_await(&brokers, "SELECT count(*) FROM llm_budget", 1);
    snprintf(assignment, sizeof(assignment), "tokens = 1000000 - %ld", ROOM * tokens());
    await(&alone, 1);
    broker_world_run(&brokers, "INSERT INTO llm_budget SELECT"
                               " '00000000-0000-0000-0000-000000000001', day, 0, 0"
                               " FROM llm_budget");
    set(assignment);
    llm_stub_script(stub, &hang, 1);
    for (unsigned i = 0; i < MANY; i++)
        ask(&asked[i], i, FACTS);
    while (over < MANY - ROOM) {
        ck_assert_int_ne(tm_client_wait(client, 1000), TM_DRAINING);
        over = 0;
        for (size_t i = 0; i < MANY; i++)
            over += asked[i].is_over && strcmp(asked[i].answer.cause, "budget") == 0;
    }
    ck_assert_uint_eq(over, MANY - ROOM);
    while (llm_stub_requests(stub) < ROOM)
        ck_assert_int_ne(tm_client_wait(client, 5), TM_DRAINING);
    ck_assert_uint_eq(llm_stub_requests(stub), ROOM);
    for (size_t i = 0; i < MANY; i++)
        asked_fini(&asked[i]);
}
END_TEST

/* Without the table there is no telling what was used: a limit is a limit. */
START_TEST(a_limit_that_cannot_be_looked_up_is_reached)
{
    start_explainer(limited);
    broker_world_run(&brokers, "ALTER TABLE llm_budget RENAME TO gone");
    expect_no_budget();
}
END_TEST

TCase *explain_budget_case(void);

TCase *
explain_budget_case(void)
{
    TCase *tests = case_new("budget", NULL, NULL);

    suite_tests(tests, what_a_question_used_is_written,
                past_the_tokens_of_the_day_nobody_is_asked,
                past_the_money_of_the_day_nobody_is_asked, a_new_day_has_a_new_budget,
                a_question_larger_than_the_whole_budget_is_not_asked,
                a_failure_gives_back_what_was_reserved,
                those_who_ask_at_once_do_not_pass_the_limit_together,
                a_limit_that_cannot_be_looked_up_is_reached);
    return tests;
}
