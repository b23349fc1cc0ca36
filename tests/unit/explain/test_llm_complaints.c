/* What users of other gateways complain of: each is a test that would fail if it were so here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/explain/llm_help.h"
#include "tests/unit/explain/test_llm.h"
#include "tests/support/suite.h"

static const struct llm_stub_step good = {.act = STUB_GOOD}, hang = {.act = STUB_HANG},
                                  failing = {.act = STUB_BODY, .status = 500};

/* "An error with no fallback configured: a process that spins for ever." Every single one is a
 * row of the table (without_another_provider_every_ask_ends); here, that nothing goes on after
 * the end. */
START_TEST(an_ask_with_nobody_to_turn_to_ends_and_leaves_nothing_running)
{
    struct llm_told told = {.times = 0};

    llm_set(LLM_CHAIN_OF_ONE);
    llm_script(0, &failing);
    llm_start();
    llm_expect(llm_ask(), LLM_SERVER_ERROR, "one");
    llm_expect_requests(2, 0, 0);
    llm_script(0, &good); /* counts anew */
    llm_begin(&told);
    llm_wait(1);
    llm_expect(&told, LLM_OK, "one");
    llm_expect_requests(1, 0, 0);
}
END_TEST

/* "The caller's own time-out put a deployment in cooldown for everyone." */
START_TEST(a_short_deadline_of_the_asker_opens_no_breaker)
{
    const int usual_ms = llm_deadline_ms;

    llm_set(LLM_CHAIN_OF_ONE);
    llm_script(0, &hang);
    llm_start();
    llm_deadline_ms = 150; /* the provider may take twelve seconds */
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(llm_ask()->cause, LLM_TIMEOUT_FIRST_BYTE);
    llm_expect_breaker("openai", "one", 0);
    llm_script(0, &good);
    llm_deadline_ms = usual_ms;
    llm_expect(llm_ask(), LLM_OK, "one");
}
END_TEST

/* ... and a provider that has used up its own time is not excused by the deadline. */
START_TEST(a_provider_that_hangs_opens_its_breaker)
{
    llm_set(LLM_CHAIN_OF_ONE);
    llm_set("llm.first_byte_ms=150");
    llm_set("llm.attempts=1");
    llm_script(0, &hang);
    llm_start();
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(llm_ask()->cause, LLM_TIMEOUT_FIRST_BYTE);
    llm_expect_breaker("openai", "one", 2);
}
END_TEST

/* "Two retry loops multiplied; a fallback began the retries anew." */
START_TEST(one_budget_holds_for_all_providers_and_tries)
{
    char budget[32];
    size_t sum = 0, most = 6; /* three models, each twice */

    snprintf(budget, sizeof(budget), "llm.attempts=%d", _i);
    llm_set(budget);
    for (size_t i = 0; i < LLM_STUBS; i++)
        llm_script(i, &failing);
    llm_start();
    ck_assert_int_eq(llm_ask()->attempts, (size_t)_i < most ? _i : (int)most);
    for (size_t i = 0; i < LLM_STUBS; i++) {
        sum += llm_stub_requests(llm_stubs[i]);
        ck_assert_uint_le(llm_stub_requests(llm_stubs[i]), 2);
        ck_assert_uint_eq(llm_stub_requests(llm_stubs[i]), llm_stub_connections(llm_stubs[i]));
    }
    ck_assert_uint_eq(sum, (size_t)_i < most ? (size_t)_i : most);
}
END_TEST

/* "It slept for seconds before each fallback, although another provider was ready." A pause
 * here would be up to a minute; it is put off until nobody untried is left. */
START_TEST(an_untried_provider_is_asked_without_a_pause)
{
    llm_set("llm.backoff_ms=60000");
    llm_set("llm.max_backoff_ms=60000");
    llm_script(0, &failing);
    llm_script(1, &failing);
    llm_start();
    for (int i = 0; i < 4; i++) /* by chance none of their pauses would be noticed: hardly */
        llm_expect(llm_ask(), LLM_OK, "three");
    llm_expect_requests(4, 4, 4);
}
END_TEST

/* "A single deployment never cooled down: everything hung on it during the outage." */
START_TEST(the_last_provider_is_left_alone_too)
{
    llm_set(LLM_CHAIN_OF_ONE);
    llm_set("llm.attempts=1");
    llm_script(0, &failing);
    llm_start();
    for (int i = 0; i < 5; i++)
        llm_expect(llm_ask(), LLM_SERVER_ERROR, "one");
    for (int i = 0; i < 20; i++) {
        const struct llm_told *told = llm_ask();

        llm_expect(told, LLM_BREAKER_OPEN, "(none)");
        ck_assert_int_eq(told->attempts, 0);
    }
    llm_expect_requests(5, 0, 0);
    llm_expect_breaker("openai", "one", 2);
}
END_TEST

/* "After a 429 it said that the model could not be used, and not that its limit was reached."
 */
START_TEST(one_that_cools_down_is_said_to_be_at_its_limit)
{
    static const struct llm_stub_step limited = {
        .act = STUB_BODY, .status = 429, .headers = "Retry-After: 300\r\n"};
    const struct llm_told *told;

    llm_set(LLM_CHAIN_OF_ONE);
    llm_set("llm.max_cooldown_ms=300000");
    llm_set("llm.attempts=1");
    llm_script(0, &limited);
    llm_start();
    llm_expect(llm_ask(), LLM_RATE_LIMITED, "one");
    told = llm_ask();
    llm_expect(told, LLM_COOLING_DOWN, "(none)");
    ck_assert_int_eq(told->attempts, 0);
    ck_assert_str_eq(llm_causes[LLM_COOLING_DOWN].reason, "llm_rate_limit");
    llm_expect_requests(1, 0, 0);
}
END_TEST

/* "529 overloaded_error was not seen as one to go on from." */
START_TEST(overloaded_goes_on_to_the_next_provider)
{
    static const struct llm_stub_step overloaded[] = {
        {.act = STUB_BODY,
         .status = 529,
         .body = "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}"},
        {.act = STUB_BODY, /* the same, once it had begun to answer */
         .status = 200,
         .body = "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}"},
    };

    llm_script(0, &overloaded[0]);
    llm_script(1, &overloaded[1]);
    llm_start();
    llm_expect(llm_ask(), LLM_OK, "three");
    llm_expect_requests(1, 1, 1);
    ck_assert_uint_eq(llm_counted("openai", "one", "overloaded", METRIC_LLM_REQUESTS), 1);
    ck_assert_uint_eq(llm_counted("anthropic", "two", "overloaded", METRIC_LLM_REQUESTS), 1);
}
END_TEST

/* "The money ran out, as a 429: it was asked again and again." */
static const struct llm_stub_step broke[] = {
    {.act = STUB_BODY, .status = 402},
    {.act = STUB_BODY,
     .status = 429,
     .body = "{\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}"},
    {.act = STUB_BODY,
     .status = 429,
     .body = "{\"error\":{\"type\":\"rate_limit_error\",\"details\":{\"error_code\":"
             "\"enforced_spend_limit_reached\"}}}"},
};

START_TEST(money_that_has_run_out_is_not_asked_for_again)
{
    llm_set(LLM_CHAIN_OF_TWO);
    llm_script(0, &broke[_i]);
    llm_start();
    for (int i = 0; i < 5; i++)
        llm_expect(llm_ask(), LLM_OK, "two");
    llm_expect_requests(1, 5, 0); /* left alone for a quarter of an hour, not for seconds */
    llm_expect_breaker("openai", "one", 2);
    ck_assert_ptr_nonnull(strstr(llm_log(), "\"level\":\"error\"")); /* a person must act */
}
END_TEST

static const char *
line_of(const char *log, const char *words)
{
    static char line[1024];
    const char *at = strstr(log, words);

    ck_assert_msg(at != NULL, "no %s in %s", words, log);
    while (at > log && at[-1] != '\n')
        at--;
    snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
    return line;
}

/* "Which model answered, and why did the first not?" */
START_TEST(who_answered_and_why_the_first_did_not_is_told)
{
    static const struct llm_stub_step refusing = {
        .act = STUB_BODY,
        .status = 401,
        .body = "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"wrong: " LLM_OPENAI_KEY
                "\"}}"};
    const struct llm_told *told;
    const char *line;

    llm_script(0, &refusing);
    llm_start();
    told = llm_ask();
    llm_expect(told, LLM_OK, "two");
    ck_assert_str_eq(told->provider, "anthropic");
    ck_assert_int_eq(told->attempts, 2);
    line = line_of(llm_log(), "\"event\":\"llm.attempt_failed\"");
    ck_assert_ptr_nonnull(strstr(line, "\"cause\":\"auth\""));
    ck_assert_ptr_nonnull(strstr(line, "\"provider\":\"openai\""));
    ck_assert_ptr_nonnull(strstr(line, "\"model\":\"one\""));
    ck_assert_ptr_nonnull(strstr(line, "\"status\":401"));
    ck_assert_ptr_nonnull(strstr(line, "\"what\":\"invalid_api_key\""));
    ck_assert_ptr_nonnull(strstr(line, "\"took_ms\":"));
    ck_assert_uint_eq(llm_counted("openai", "anthropic", "auth", METRIC_LLM_FALLBACKS), 1);
    ck_assert_uint_eq(llm_counted("anthropic", "two", "ok", METRIC_LLM_REQUESTS), 1);
}
END_TEST

TCase *
llm_complaints_case(void)
{
    TCase *tcase = case_new("complaints", llm_setup, llm_teardown);

    suite_tests(tcase, an_ask_with_nobody_to_turn_to_ends_and_leaves_nothing_running,
                a_short_deadline_of_the_asker_opens_no_breaker,
                a_provider_that_hangs_opens_its_breaker);
    tcase_add_loop_test(tcase, one_budget_holds_for_all_providers_and_tries, 1, 9);
    suite_tests(tcase, an_untried_provider_is_asked_without_a_pause,
                the_last_provider_is_left_alone_too,
                one_that_cools_down_is_said_to_be_at_its_limit,
                overloaded_goes_on_to_the_next_provider);
    suite_rows(tcase, money_that_has_run_out_is_not_asked_for_again, broke);
    suite_tests(tcase, who_answered_and_why_the_first_did_not_is_told);
    return tcase;
}
