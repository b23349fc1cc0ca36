/* What clients of a bridge ask at the same time leaves it once: with a broker played by hand.
 * Requests are only passed on, so that numbers do for them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/backtests/backtest_asks.h"
#include "actors/kit/util/clock.h"
#include "tests/support/patience.h"
#include "tests/unit/proto/fake_broker.h"
#include "tests/support/suite.h"

enum { ANSWERS_MOST = 16 };

static struct fake_place place;
static fake_broker_t *broker;
static tm_client_t *client;
static backtest_asks_t *asks;

static struct {
    request_t *request;
    tm_err_t err;
    char text[64];
} answers[ANSWERS_MOST];
static size_t answer_count;

static void
on_answer(request_t *request, tm_err_t err, const char *detail, shared_body_t *body)
{
    ck_assert_uint_lt(answer_count, ANSWERS_MOST);
    ck_assert((body == NULL) == (err != TM_OK));
    answers[answer_count].request = request;
    answers[answer_count].err = err;
    if (body) {
        const tm_str_t content = shared_body_content(body);
        snprintf(answers[answer_count].text, 64, "%.*s", (int)content.size, content.data);
    } else {
        snprintf(answers[answer_count].text, 64, "%s", detail);
    }
    answer_count++;
}

static void
set_up(void)
{
    const int64_t until_ms = clock_ms() + PATIENCE_MS;
    tm_msg_t msg;

    answer_count = 0;
    fake_place_init(&place);
    broker = fake_broker_new(place.endpoint[0]);
    client = tm_client_new(&(struct tm_client_options){.brokers = place.endpoint[0]});
    ck_assert_ptr_nonnull(client);
    asks = backtest_asks_new(client, on_answer);
    while (!tm_client_is_connected(client)) {
        ck_assert_int_lt(clock_ms(), until_ms);
        ck_assert(!fake_broker_take(broker, 5, TM_MSG_CALL, &msg));
        ck_assert_int_eq(tm_client_wait(client, 5), TM_TIMEOUT);
    }
}

static void
tear_down(void)
{
    tm_client_destroy(&client);
    backtest_asks_destroy(&asks);
    fake_broker_destroy(&broker);
    fake_place_fini(&place);
}

static request_t *
numbered(uintptr_t number)
{
    return (request_t *)number;
}

static struct backtest_call
question(uint8_t run, uint32_t points)
{
    struct backtest_call call = {.points = points};

    call.run.bytes[0] = run;
    return call;
}

static void
add(uint8_t run, uint32_t points, uintptr_t number)
{
    const struct backtest_call call = question(run, points);

    ck_assert_int_eq(backtest_asks_add(asks, &call, numbered(number)), TM_OK);
}

/* The number of the next call that arrives. */
static uint64_t
take_call(void)
{
    tm_msg_t msg;

    tm_client_flush(client);
    ck_assert(fake_broker_take(broker, PATIENCE_MS, TM_MSG_CALL, &msg));
    ck_assert(tm_str_is(msg.call.service, BACKTEST_SERVICE));
    return msg.call.ref;
}

/* What is asked next is the next that arrives. */
static void
expect_no_call(void)
{
    static uint32_t marks;
    const struct backtest_call mark = question(255, ++marks);
    char *text = backtest_call_text(&mark);
    tm_msg_t msg;

    ck_assert_int_eq(backtest_asks_add(asks, &mark, NULL), TM_OK);
    tm_client_flush(client);
    ck_assert(fake_broker_take(broker, PATIENCE_MS, TM_MSG_CALL, &msg));
    ck_assert_msg(tm_str_is(msg.body, text), "%.*s", (int)msg.body.size, msg.body.data);
    free(text);
}

static void
await_answers(size_t number)
{
    const int64_t until_ms = clock_ms() + PATIENCE_MS;

    while (answer_count < number) {
        ck_assert_int_lt(clock_ms(), until_ms);
        ck_assert(tm_client_wait(client, 20) != TM_DRAINING);
    }
    ck_assert_uint_eq(answer_count, number);
}

static void
send_return(uint64_t ref, const char *body)
{
    tm_msg_t msg = {.type = TM_MSG_RETURN, .returned = {.ref = ref}, .body = tm_str(body)};

    fake_broker_send(broker, &msg);
}

static void
send_error(uint64_t ref, tm_err_t err)
{
    tm_msg_t msg = {.type = TM_MSG_ERROR,
                    .error = {.ref = ref,
                              .code = tm_str(tm_err_name(err)),
                              .detail = tm_str("gone"),
                              .has_detail = true}};

    fake_broker_send(broker, &msg);
}

START_TEST(the_same_question_is_asked_once_and_all_are_answered)
{
    uint64_t ref;

    for (uintptr_t i = 1; i <= 5; i++)
        add(1, 10, i);
    ref = take_call();
    expect_no_call();
    add(1, 10, 6); /* it is under way */
    expect_no_call();
    send_return(ref, "body");
    await_answers(6);
    for (uintptr_t i = 0; i < 6; i++) {
        ck_assert_ptr_eq(answers[i].request, numbered(i + 1));
        ck_assert_str_eq(answers[i].text, "body");
    }
}
END_TEST

START_TEST(other_questions_are_asked_for_themselves)
{
    uint64_t first, second, third;

    add(1, 10, 1);
    add(2, 10, 2);
    add(1, 11, 3);
    first = take_call();
    second = take_call();
    third = take_call();
    send_return(third, "third");
    send_error(second, TM_RUN_NOT_FOUND);
    send_return(first, "first");
    await_answers(3);
    ck_assert_ptr_eq(answers[0].request, numbered(3));
    ck_assert_str_eq(answers[0].text, "third");
    ck_assert_ptr_eq(answers[1].request, numbered(2));
    ck_assert_int_eq(answers[1].err, TM_RUN_NOT_FOUND);
    ck_assert_str_eq(answers[1].text, "gone");
    ck_assert_ptr_eq(answers[2].request, numbered(1));
}
END_TEST

START_TEST(what_was_answered_is_asked_anew)
{
    add(1, 10, 1);
    send_error(take_call(), TM_STORE_DOWN);
    await_answers(1);
    ck_assert_int_eq(answers[0].err, TM_STORE_DOWN);
    add(1, 10, 2);
    send_return(take_call(), "body");
    await_answers(2);
    ck_assert_str_eq(answers[1].text, "body");
}
END_TEST

START_TEST(one_that_was_sent_long_ago_is_not_joined)
{
    const int64_t sent_ms = clock_ms();
    uint64_t first, second;

    add(1, 10, 1);
    first = take_call();
    while (clock_ms() - sent_ms <= 1000)
        ck_assert_int_eq(tm_client_wait(client, 20), TM_TIMEOUT);
    expect_no_call();
    add(1, 10, 2);
    second = take_call();
    add(1, 10, 3); /* with the newer one */
    send_return(first, "first");
    await_answers(1);
    add(1, 10, 4); /* that the older one has ended changes nothing */
    expect_no_call();
    send_return(second, "second");
    await_answers(4);
    ck_assert_str_eq(answers[0].text, "first");
    for (uintptr_t i = 1; i < 4; i++) {
        ck_assert_ptr_eq(answers[i].request, numbered(i + 1));
        ck_assert_str_eq(answers[i].text, "second");
    }
}
END_TEST

START_TEST(nobody_is_told_at_the_end)
{
    add(1, 10, 1);
    add(1, 10, 2);
    add(2, 10, 3);
    take_call();
    tm_client_destroy(&client);
    backtest_asks_destroy(&asks);
    ck_assert_uint_eq(answer_count, 0);
}
END_TEST

START_TEST(without_a_broker_nothing_is_asked)
{
    const struct backtest_call call = question(1, 10);
    const int64_t until_ms = clock_ms() + PATIENCE_MS;

    fake_broker_destroy(&broker);
    while (tm_client_is_connected(client)) {
        ck_assert_int_lt(clock_ms(), until_ms);
        ck_assert(tm_client_wait(client, 20) != TM_DRAINING);
    }
    ck_assert_int_eq(backtest_asks_add(asks, &call, numbered(1)), TM_BROKER_DOWN);
    ck_assert_int_eq(backtest_asks_add(asks, &call, numbered(2)), TM_BROKER_DOWN);
    ck_assert_uint_eq(answer_count, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("backtest_asks");
    TCase *tcase = suite_case(suite, "asks", set_up, tear_down);

    suite_tests(tcase, the_same_question_is_asked_once_and_all_are_answered,
                other_questions_are_asked_for_themselves, what_was_answered_is_asked_anew,
                one_that_was_sent_long_ago_is_not_joined, nobody_is_told_at_the_end,
                without_a_broker_nothing_is_asked);
    return suite_run(suite);
}
