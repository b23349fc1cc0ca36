/* Asks: many at once, cancelled, cut short, and who is next. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/models.h"
#include "actors/kit/util/clock.h"
#include "tests/unit/explain/llm_help.h"
#include "tests/unit/explain/test_llm.h"
#include "tests/support/suite.h"

static const struct llm_stub_step good = {.act = STUB_GOOD}, hang = {.act = STUB_HANG},
                                  failing = {.act = STUB_BODY, .status = 500};

/* --- many --------------------------------------------------------------------------------- */

enum { MANY = 200 };

/* The stub answers none of them before all have come: had one waited for another, none would
 * end. */
START_TEST(two_hundred_are_under_way_at_once_on_one_thread)
{
    static const struct llm_stub_step gather = {.act = STUB_GATHER, .gather = MANY};
    static struct llm_told told[MANY];

    llm_set("llm.first_byte_ms=60000");
    llm_set("llm.attempt_ms=60000");
    llm_set("llm.connect_ms=30000");
    llm_deadline_ms = 60000;
    llm_script(0, &gather);
    llm_start();
    for (size_t i = 0; i < MANY; i++)
        llm_begin(&told[i]);
    llm_wait(MANY);
    for (size_t i = 0; i < MANY; i++)
        llm_expect(&told[i], LLM_OK, "one");
    llm_expect_requests(MANY, 0, 0);
}
END_TEST

static void
on_moment(void *arg)
{
    loop_stop(arg);
}

static void
let_pass(uint32_t ms)
{
    loop_timer(llm_loop, ms, false, on_moment, llm_loop);
    loop_run(llm_loop);
}

/* The probe is held at the stub while all the others come and go. */
START_TEST(half_open_one_of_many_asks_tries_the_model)
{
    static const struct llm_stub_step held = {.act = STUB_GATHER, .gather = MANY};
    static struct llm_told told[MANY];

    llm_set(LLM_CHAIN_OF_ONE);
    llm_set("llm.attempts=1");
    llm_set("llm.breaker_open_ms=20");
    llm_set("llm.first_byte_ms=60000");
    llm_set("llm.attempt_ms=60000");
    llm_script(0, &failing);
    llm_start();
    for (int i = 0; i < 5; i++)
        llm_expect(llm_ask(), LLM_SERVER_ERROR, "one");
    llm_script(0, &held);
    let_pass(40); /* as long as it is left alone, and more */
    for (size_t i = 0; i < MANY; i++)
        llm_begin(&told[i]);
    llm_wait(MANY - 1);
    for (size_t i = 1; i < MANY; i++)
        llm_expect(&told[i], LLM_BREAKER_OPEN, "(none)");
    ck_assert_int_eq(told[0].times, 0);
    llm_expect_breaker("openai", "one", 1);
    llm_stub_release(llm_stubs[0]);
    llm_wait(1);
    llm_expect(&told[0], LLM_OK, "one");
    llm_expect_requests(1, 0, 0);
    llm_expect_breaker("openai", "one", 0);
    llm_expect(llm_ask(), LLM_OK, "one");
}
END_TEST

START_TEST(a_model_that_is_left_alone_is_passed_over_at_once)
{
    llm_set("llm.attempts=1");
    llm_script(0, &failing);
    llm_start();
    for (int i = 0; i < 5; i++)
        llm_expect(llm_ask(), LLM_SERVER_ERROR, "one");
    llm_expect(llm_ask(), LLM_OK, "two");
    llm_expect_requests(5, 1, 0);
    ck_assert_uint_eq(llm_counted("openai", "anthropic", "breaker_open", METRIC_LLM_FALLBACKS),
                      1);
}
END_TEST

/* --- ends --------------------------------------------------------------------------------- */

START_TEST(without_a_model_every_ask_is_disabled)
{
    const struct llm_told *told;

    llm_set("llm.chain=openrouter");
    llm_start();
    ck_assert_uint_eq(llm_chain_links(llm_chain), 0);
    told = llm_ask();
    llm_expect(told, LLM_DISABLED, "(none)");
    ck_assert_str_eq(told->provider, "(none)");
    ck_assert_str_eq(llm_causes[told->cause].reason, "llm_unconfigured");
}
END_TEST

START_TEST(a_deadline_that_is_past_costs_no_request)
{
    llm_deadline_ms = 0;
    llm_start();
    llm_expect(llm_ask(), LLM_TIMEOUT_TOTAL, "(none)");
    llm_expect_requests(0, 0, 0);
}
END_TEST

/* Each hangs, and has far more time than the ask: the next is not asked any more. */
START_TEST(the_deadline_ends_an_ask_whoever_hangs)
{
    llm_deadline_ms = 300;
    for (size_t i = 0; i < LLM_STUBS; i++)
        llm_script(i, &hang);
    llm_start();
    llm_expect(llm_ask(), LLM_TIMEOUT_FIRST_BYTE, "one");
    llm_expect_requests(1, 0, 0);
}
END_TEST

START_TEST(a_pause_that_would_outlast_the_deadline_is_not_made)
{
    static const struct llm_stub_step limited = {
        .act = STUB_BODY, .status = 429, .headers = "Retry-After: 30\r\n"};

    for (size_t i = 0; i < LLM_STUBS; i++)
        llm_script(i, &limited);
    llm_start();
    llm_expect(llm_ask(), LLM_RATE_LIMITED, "three");
    llm_expect_requests(1, 1, 1);
}
END_TEST

START_TEST(a_cancelled_ask_ends_once_and_says_nothing_of_its_model)
{
    struct llm_told told[6];

    llm_set(LLM_CHAIN_OF_ONE);
    llm_script(0, &hang);
    llm_start();
    for (size_t i = 0; i < 6; i++) { /* in mid-call: as many as would open the breaker */
        uint64_t id = llm_begin(&told[i]);

        let_pass(20);
        llm_chain_cancel(llm_chain, id);
        ck_assert_int_eq(told[i].times, 0); /* not from inside */
        llm_chain_cancel(llm_chain, id);
        llm_wait(1);
        llm_expect(&told[i], LLM_CANCELLED, "one");
        llm_chain_cancel(llm_chain, id); /* it is over */
    }
    llm_expect_breaker("openai", "one", 0);
    llm_script(0, &good);
    llm_expect(llm_ask(), LLM_OK, "one");
    ck_assert_int_eq(told[0].times, 1);
}
END_TEST

START_TEST(a_cancelled_probe_leaves_the_next_ask_to_be_one)
{
    struct llm_told told;
    uint64_t id;

    llm_set(LLM_CHAIN_OF_ONE);
    llm_set("llm.attempts=1");
    llm_set("llm.breaker_open_ms=20");
    llm_script(0, &failing);
    llm_start();
    for (int i = 0; i < 5; i++)
        llm_expect(llm_ask(), LLM_SERVER_ERROR, "one");
    llm_script(0, &hang);
    let_pass(40);
    id = llm_begin(&told);
    let_pass(20);
    llm_chain_cancel(llm_chain, id);
    llm_wait(1);
    llm_expect(&told, LLM_CANCELLED, "one");
    llm_expect_breaker("openai", "one", 1);
    llm_script(0, &good);
    llm_expect(llm_ask(), LLM_OK, "one");
    llm_expect_breaker("openai", "one", 0);
}
END_TEST

START_TEST(an_ask_is_cancelled_before_it_begins_and_in_its_pause)
{
    struct llm_told before, pausing;
    uint64_t id;

    llm_set(LLM_CHAIN_OF_ONE);
    llm_set("llm.cooldown_ms=5000");
    llm_script(0, &(struct llm_stub_step){.act = STUB_BODY, .status = 429});
    llm_start();
    llm_chain_cancel(llm_chain, llm_begin(&before));
    llm_wait(1);
    llm_expect(&before, LLM_CANCELLED, "(none)");
    llm_expect_requests(0, 0, 0);
    id = llm_begin(&pausing);
    while (llm_counted("openai", "one", "rate_limited", METRIC_LLM_REQUESTS) == 0)
        let_pass(5);
    llm_chain_cancel(llm_chain, id);
    llm_wait(1);
    llm_expect(&pausing, LLM_CANCELLED, "one");
    llm_expect_requests(1, 0, 0);
}
END_TEST

START_TEST(the_end_of_the_chain_ends_what_is_under_way)
{
    struct llm_told told[3];

    llm_script(0, &hang);
    llm_start();
    for (size_t i = 0; i < 2; i++)
        llm_begin(&told[i]);
    let_pass(20);
    llm_begin(&told[2]); /* has not begun */
    llm_chain_destroy(&llm_chain);
    ck_assert_ptr_null(llm_chain);
    llm_expect(&told[0], LLM_CANCELLED, "one");
    llm_expect(&told[1], LLM_CANCELLED, "one");
    llm_expect(&told[2], LLM_CANCELLED, "(none)");
}
END_TEST

struct relay {
    int left;
    struct llm_told told;
};

static void
ask_anew(void *arg, const struct llm_outcome *outcome)
{
    struct relay *self = arg;
    const struct llm_prompt prompt = {
        .system = "s", .user = "u", .deadline_us = clock_us() + 20000000};

    ck_assert_int_eq(outcome->cause, LLM_OK);
    if (--self->left == 0)
        loop_stop(llm_loop);
    else
        llm_chain_ask(llm_chain, &prompt, ask_anew, self);
}

START_TEST(the_end_of_an_ask_may_be_the_beginning_of_another)
{
    struct relay relay = {.left = 20};
    const struct llm_prompt prompt = {
        .system = "s", .user = "u", .deadline_us = clock_us() + 20000000};

    llm_start();
    llm_chain_ask(llm_chain, &prompt, ask_anew, &relay);
    loop_run(llm_loop);
    ck_assert_int_eq(relay.left, 0);
    llm_expect_requests(20, 0, 0);
}
END_TEST

/* --- who is next -------------------------------------------------------------------------- */

START_TEST(what_is_too_long_for_one_goes_to_a_larger_one_only)
{
    static const struct llm_stub_step full = {
        .act = STUB_BODY,
        .status = 400,
        .body = "{\"error\":{\"code\":\"context_length_exceeded\"}}"};

    llm_set("llm.models=one=1000/1/1,two=900/1/1,three=2000/1/1");
    llm_script(0, &full);
    llm_start();
    llm_expect(llm_ask(), LLM_OK, "three");
    llm_expect_requests(1, 0, 1);
    llm_expect_breaker("openai", "one", 0);
}
END_TEST

/* Though the larger one has failed for another reason. */
START_TEST(what_was_too_long_once_does_not_go_back_to_a_small_one)
{
    static const struct llm_stub_step full = {
        .act = STUB_BODY,
        .status = 400,
        .body = "{\"error\":{\"code\":\"context_length_exceeded\"}}"};

    llm_set("llm.models=one=1000/1/1,two=2000/1/1,three=900/1/1");
    llm_script(0, &full);
    llm_script(1, &failing);
    llm_start();
    llm_expect(llm_ask(), LLM_SERVER_ERROR, "two");
    llm_expect_requests(1, 2, 0);
}
END_TEST

/* Two failed, the last wants money: who may be asked again is the first of those that failed.
 */
START_TEST(the_first_that_only_failed_is_asked_again)
{
    static const struct llm_stub_step then_good[] = {{.act = STUB_BODY, .status = 500},
                                                     {.act = STUB_GOOD}};
    static const struct llm_stub_step broke = {.act = STUB_BODY, .status = 402};

    llm_stub_script(llm_stubs[0], then_good, 2);
    llm_script(1, &failing);
    llm_script(2, &broke);
    llm_start();
    llm_expect(llm_ask(), LLM_OK, "one");
    llm_expect_requests(2, 1, 1);
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
    char location[128];
    const struct llm_stub_step redirect = {
        .act = STUB_BODY, .status = 307, .headers = location};

    snprintf(location, sizeof(location), "Location: %s/v1/chat/completions\r\n",
             llm_stub_url(llm_stubs[1]));
    llm_set(LLM_CHAIN_OF_ONE);
    llm_script(0, &redirect);
    llm_start();
    llm_expect(llm_ask(), LLM_SCHEMA, "one");
    ck_assert_uint_eq(llm_stub_connections(llm_stubs[1]), 0);
}
END_TEST

TCase *
llm_asks_case(void)
{
    TCase *tcase = case_new("asks", llm_setup, llm_teardown);

    suite_tests(tcase, two_hundred_are_under_way_at_once_on_one_thread,
                half_open_one_of_many_asks_tries_the_model,
                a_model_that_is_left_alone_is_passed_over_at_once,
                without_a_model_every_ask_is_disabled, a_deadline_that_is_past_costs_no_request,
                the_deadline_ends_an_ask_whoever_hangs,
                a_pause_that_would_outlast_the_deadline_is_not_made,
                a_cancelled_ask_ends_once_and_says_nothing_of_its_model,
                a_cancelled_probe_leaves_the_next_ask_to_be_one,
                an_ask_is_cancelled_before_it_begins_and_in_its_pause,
                the_end_of_the_chain_ends_what_is_under_way,
                the_end_of_an_ask_may_be_the_beginning_of_another,
                what_is_too_long_for_one_goes_to_a_larger_one_only,
                what_was_too_long_once_does_not_go_back_to_a_small_one,
                the_first_that_only_failed_is_asked_again, a_redirect_is_not_followed);
    return tcase;
}
