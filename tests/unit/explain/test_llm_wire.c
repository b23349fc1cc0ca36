/* What asks cost, and what goes over the wire for them. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/models.h"
#include "actors/kit/util/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/explain/llm_help.h"
#include "tests/unit/explain/test_llm.h"
#include "tests/support/meter.h"

static const struct llm_stub_step hang = {.act = STUB_HANG},
                                  failing = {.act = STUB_BODY, .status = 500};

/* --- what it costs ------------------------------------------------------------------------ */

START_TEST(tokens_and_money_are_those_of_all_attempts)
{
    const struct llm_told *told;

    llm_set("llm.models=one=0/1.5/3,two=0/10/0.5");
    llm_script(0, &(struct llm_stub_step){.act = STUB_BODY,
                                          .body = "{\"choices\":[{\"message\":{\"content\":"
                                                  "null}}],\"usage\":{\"prompt_tokens\":7,"
                                                  "\"completion_tokens\":1}}"});
    llm_start();
    told = llm_ask();
    llm_expect(told, LLM_OK, "two");
    ck_assert_int_eq(told->tokens_in, 7 + LLM_STUB_TOKENS_IN);
    ck_assert_int_eq(told->tokens_out, 1 + LLM_STUB_TOKENS);
    /* 7 * 1.5 + 1 * 3, rounded up; 100 * 10 + 20 * 0.5 */
    ck_assert_int_eq(told->cost, 14 + 1010);
    ck_assert_uint_eq(meter_of(llm_meters, METRIC_LLM_TOKENS, "in"), 107);
    ck_assert_uint_eq(meter_of(llm_meters, METRIC_LLM_TOKENS, "out"), 21);
    ck_assert_uint_eq(meter_of(llm_meters, METRIC_LLM_COST, "anthropic" METRICS_AND "two"),
                      1010);
}
END_TEST

START_TEST(what_a_provider_does_not_tell_is_estimated_unless_it_refused)
{
    const struct llm_told *told;

    llm_set(LLM_CHAIN_OF_TWO);
    llm_set("llm.attempts=2");
    llm_set("llm.first_byte_ms=300");
    llm_script(0, &hang);    /* has read the prompt, and may charge it */
    llm_script(1, &failing); /* has not */
    llm_start();
    told = llm_ask();
    ck_assert_int_ge(told->tokens_in,
                     (int64_t)strlen("Be brief.What do these figures say?") / 4);
    ck_assert_int_le(told->tokens_in, (int64_t)strlen("Be brief.What do these figures say?"));
}
END_TEST

START_TEST(what_an_ask_may_cost_at_most_is_known_before)
{
    const struct llm_prompt prompt = {
        .system = "0123456789", .user = "0123456789", .max_tokens = 50};
    int64_t tokens = 0, cost, in = llm_tokens_of(20);

    llm_set(LLM_CHAIN_OF_TWO);
    llm_set("llm.models=one=0/1/1,two=0/2/100");
    llm_start();
    cost = llm_chain_most_cost(llm_chain, &prompt, &tokens);
    ck_assert_int_eq(tokens, 4 * (in + 50)); /* llm.attempts */
    ck_assert_int_eq(cost, 4 * (in * 2 + 5000));
}
END_TEST

/* --- the wire ----------------------------------------------------------------------------- */

static void
expect_request(size_t stub, const char *path, const char *header, const char *model)
{
    char *request = llm_stub_request(llm_stubs[stub], 0);
    json_t *body;

    ck_assert_ptr_nonnull(request);
    ck_assert_msg(strncmp(request, path, strlen(path)) == 0, "%s", request);
    ck_assert_msg(strstr(request, header) != NULL, "%s", request);
    ck_assert_ptr_null(strcasestr(request, "Expect:"));
    body = json_loads(strstr(request, "\r\n\r\n"), 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(body, "model")), model);
    json_decref(body);
    free(request);
}

START_TEST(each_provider_gets_its_own_key_and_path)
{
    llm_script(0, &failing);
    llm_script(1, &failing);
    llm_start();
    llm_expect(llm_ask(), LLM_OK, "three");
    expect_request(0, "POST /v1/chat/completions HTTP/1.1\r\n",
                   "\r\nAuthorization: Bearer " LLM_OPENAI_KEY "\r\n", "one");
    expect_request(1, "POST /v1/messages HTTP/1.1\r\n",
                   "\r\nx-api-key: " LLM_ANTHROPIC_KEY "\r\n", "two");
    expect_request(2, "POST /api/chat HTTP/1.1\r\n", "\r\nContent-Type: application/json\r\n",
                   "three");
}
END_TEST

START_TEST(who_echoes_the_key_has_it_repeated_nowhere)
{
    static const struct llm_stub_step echo[] = {
        {.act = STUB_BODY,
         .status = 500,
         .headers = "Retry-After: " LLM_OPENAI_KEY "\r\n",
         .body = "{\"error\":{\"code\":\"" LLM_OPENAI_KEY "\",\"message\":\"" LLM_OPENAI_KEY
                 "\"}}"},
        {.act = STUB_BODY,
         .body = "{\"model\":\"" LLM_OPENAI_KEY
                 "\",\"choices\":[{\"message\":{\"content\":\"Hi.\"}}]}"}};
    const struct llm_told *told;

    llm_set(LLM_CHAIN_OF_ONE);
    llm_stub_script(llm_stubs[0], echo, 2);
    llm_start();
    told = llm_ask();
    ck_assert_int_eq(told->cause, LLM_OK);
    ck_assert_str_eq(told->model, "one");
    ck_assert_str_eq(told->what, "");
    /* what the log holds, the end of every test looks at */
    ck_assert_ptr_nonnull(strstr(llm_log(), "server_error"));
}
END_TEST

START_TEST(an_answer_that_was_cut_says_so)
{
    llm_script(0,
               &(struct llm_stub_step){.act = STUB_BODY,
                                       .body = "{\"choices\":[{\"message\":{\"content\":\"It "
                                               "is\"},\"finish_reason\":\"length\"}]}"});
    llm_start();
    ck_assert(llm_ask()->is_cut);
}
END_TEST

static void
on_refused(void *arg, const struct llm_outcome *outcome)
{
    enum llm_cause *cause = arg;

    *cause = outcome->cause;
    loop_stop(llm_loop);
}

/* Some servers send blanks while the model still thinks: for longer than an answer may stall.
 */
START_TEST(an_answer_is_waited_for_while_it_is_padded)
{
    llm_set(LLM_CHAIN_OF_ONE);
    llm_set("llm.stall_ms=100");
    llm_script(0, &(struct llm_stub_step){.act = STUB_PAD, .delay_ms = 500});
    llm_start();
    llm_expect(llm_ask(), LLM_OK, "one");
    llm_expect_requests(1, 0, 0);
}
END_TEST

START_TEST(a_prompt_that_is_not_utf8_is_not_sent)
{
    const struct llm_prompt prompt = {
        .system = "s", .user = "\xff", .deadline_us = clock_us() + 20000000};
    enum llm_cause cause = LLM_OK;

    llm_start();
    llm_chain_ask(llm_chain, &prompt, on_refused, &cause);
    loop_run(llm_loop);
    ck_assert_int_eq(cause, LLM_BAD_REQUEST);
    llm_expect_requests(0, 0, 0);
    llm_expect_breaker("openai", "one", 0);
}
END_TEST

TCase *
llm_wire_case(void)
{
    TCase *tcase = case_new("wire", llm_setup, llm_teardown);

    suite_tests(
        tcase, tokens_and_money_are_those_of_all_attempts,
        what_a_provider_does_not_tell_is_estimated_unless_it_refused,
        what_an_ask_may_cost_at_most_is_known_before, each_provider_gets_its_own_key_and_path,
        who_echoes_the_key_has_it_repeated_nowhere, an_answer_that_was_cut_says_so,
        an_answer_is_waited_for_while_it_is_padded, a_prompt_that_is_not_utf8_is_not_sent);
    return tcase;
}
