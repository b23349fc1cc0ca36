#include <signal.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "client_help.h"
#include "tests/support/suite.h"

START_TEST(an_answer_that_comes_twice_is_reported_once)
{
    start_client((struct tm_client_options){0});
    submit(false);
    tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
    ck_assert(tm_str_is(asked.submit.queue, "tune") && tm_str_is(asked.body, "work"));
    ck_assert(!tm_uuid_is_nil(&asked.submit.job));
    accept_job(broker, &asked, &asked.submit.job);
    accept_job(broker, &asked, &asked.submit.job);
    settle(broker);
    ck_assert_uint_eq(got.answers, 1);
    ck_assert(got.answer.err == TM_OK && tm_uuid_is(&got.answer.job, &asked.submit.job));
    ck_assert_uint_eq(tm_client_pending(client), 0);
    ck_assert(tm_client_is_connected(client));
}
END_TEST

START_TEST(a_lost_answer_is_asked_for_again_with_the_same_ids)
{
    start_client((struct tm_client_options){.resend_ms = 100});
    submit(false);
    tm_msg_t first = expect(broker, TM_MSG_SUBMIT);
    tm_msg_t again = expect(broker, TM_MSG_SUBMIT);
    assert_same_request(&first, &again);
    accept_job(broker, &first, &first.submit.job);
    accept_job(broker, &again, &again.submit.job);
    settle(broker);
    ck_assert_uint_eq(got.answers, 1);
}
END_TEST

START_TEST(a_restarted_broker_gets_what_is_unanswered)
{
    start_client((struct tm_client_options){.resend_ms = 60000});
    submit(false);
    tm_msg_t first = expect(broker, TM_MSG_SUBMIT);
    restart_broker();
    tm_msg_t again = expect(broker, TM_MSG_SUBMIT);
    assert_same_request(&first, &again);
    accept_job(broker, &again, &again.submit.job);
    run_until(&got.answers, 1);
}
END_TEST

START_TEST(another_broker_takes_over_from_a_silent_one)
{
    start_client((struct tm_client_options){.brokers = place.both, .resend_ms = 60000});
    submit(true);
    tm_msg_t first = expect(broker, TM_MSG_SUBMIT);
    fake_broker_set_mute(broker, true);
    second = fake_broker_new(place.endpoint[1]);
    tm_msg_t again = expect(second, TM_MSG_SUBMIT);
    assert_same_request(&first, &again);
    accept_job(second, &again, &again.submit.job);
    send_result(second, &again.submit.job);
    run_until(&got.results, 1);
    ck_assert_uint_eq(got.answers, 1);
}
END_TEST

START_TEST(a_draining_broker_is_left_for_another)
{
    second = fake_broker_new(place.endpoint[1]);
    start_client((struct tm_client_options){.brokers = place.both});
    expect(second, TM_MSG_PING);
    settle(second); /* the client has its pong */
    submit(false);
    tm_msg_t first = expect(broker, TM_MSG_SUBMIT);
    reject(broker, &first, "DRAINING", 1);
    tm_msg_t again = expect(second, TM_MSG_SUBMIT);
    assert_same_request(&first, &again);
    accept_job(second, &again, &again.submit.job);
    run_until(&got.answers, 1);
    ck_assert_int_eq(got.answer.err, TM_OK);
}
END_TEST

START_TEST(a_passing_refusal_is_tried_again_and_not_reported)
{
    start_client((struct tm_client_options){.resend_ms = 60000});
    submit(false);
    tm_msg_t first = expect(broker, TM_MSG_SUBMIT);
    reject(broker, &first, _i ? "STORE_DOWN" : "BUSY", 120);
    int64_t start = zclock_mono();
    tm_msg_t again = expect(broker, TM_MSG_SUBMIT);
    ck_assert_int_ge(zclock_mono() - start, 100);
    ck_assert_uint_eq(got.answers, 0);
    assert_same_request(&first, &again);
    accept_job(broker, &again, &again.submit.job);
    run_until(&got.answers, 1);
    ck_assert_int_eq(got.answer.err, TM_OK);
}
END_TEST

START_TEST(a_final_refusal_is_reported_with_its_reason)
{
    start_client((struct tm_client_options){0});
    submit(true);
    tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
    reject(broker, &asked, "QUEUE_FULL", 700);
    run_until(&got.answers, 1);
    ck_assert_int_eq(got.answer.err, TM_QUEUE_FULL);
    ck_assert_str_eq(got.detail, "because");
    ck_assert_uint_eq(got.answer.retry_after_ms, 700);
    send_result(broker, &asked.submit.job); /* watched no more */
    settle(broker);
    ck_assert_uint_eq(got.results, 0);
}
END_TEST

START_TEST(giving_up_says_why)
{
    start_client((struct tm_client_options){.give_up_ms = 300});
    if (_i == 0)
        fake_broker_destroy(&broker);
    submit(false);
    for (; got.answers == 0; run_client(10)) {
        tm_msg_t msg;
        if (broker && fake_broker_take(broker, 0, TM_MSG_SUBMIT, &msg))
            reject(broker, &msg, "STORE_DOWN", 50);
    }
    ck_assert_int_eq(got.answer.err, _i == 0 ? TM_BROKER_DOWN : TM_STORE_DOWN);
    ck_assert_uint_gt(strlen(got.detail), 0);
    ck_assert_uint_eq(tm_client_pending(client), 0);
}
END_TEST

START_TEST(a_result_is_delivered_once_per_watched_job)
{
    start_client((struct tm_client_options){0});
    submit(true);
    tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
    tm_uuid_t job = asked.submit.job;
    tm_msg_t progress = {.type = TM_MSG_PROGRESS,
                         .progress = {.job = job, .attempt = 1, .done = 3, .total = 9}};
    ck_assert(asked.submit.has_watch && asked.submit.watch);
    accept_job(broker, &asked, &job);
    fake_broker_send(broker, &progress);
    send_result(broker, &job);
    send_result(broker, &job);
    fake_broker_send(broker, &progress);
    settle(broker);
    ck_assert_uint_eq(got.results, 1);
    ck_assert_uint_eq(got.progress, 3); /* the late one is not */
    ck_assert(tm_uuid_is(&got.result_job, &job));
    ck_assert_str_eq(got.result_state, "done");
    ck_assert_str_eq(got.body, "score");
}
END_TEST

START_TEST(a_watched_job_is_subscribed_again_at_a_restarted_broker)
{
    start_client((struct tm_client_options){0});
    submit(true);
    tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
    tm_uuid_t job = asked.submit.job;
    accept_job(broker, &asked, &job);
    run_until(&got.answers, 1);
    restart_broker();
    tm_msg_t subscribed = expect(broker, TM_MSG_SUBSCRIBE);
    ck_assert(tm_uuid_is(&subscribed.subscribe.job, &job));
    send_result(broker, &job);
    run_until(&got.results, 1);
    ck_assert_uint_eq(fake_broker_seen(broker, TM_MSG_SUBMIT), 0);
}
END_TEST

START_TEST(a_watched_job_is_subscribed_again_by_a_new_connection)
{
    start_client((struct tm_client_options){0});
    submit(true);
    tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
    tm_uuid_t job = asked.submit.job;
    accept_job(broker, &asked, &job);
    run_until(&got.answers, 1);
    fake_broker_cut(broker, place.endpoint[0]);
    tm_msg_t subscribed = expect(broker, TM_MSG_SUBSCRIBE);
    ck_assert(tm_uuid_is(&subscribed.subscribe.job, &job));
}
END_TEST

START_TEST(a_state_that_is_final_stands_for_a_lost_result)
{
    tm_uuid_t job = tm_uuid_new();

    start_client((struct tm_client_options){0});
    ck_assert_int_eq(tm_client_subscribe(client, &job, on_state, &got), TM_OK);
    tm_msg_t asked = expect(broker, TM_MSG_SUBSCRIBE);
    tm_msg_t state = {
        .type = TM_MSG_STATE,
        .state = {.ref = asked.subscribe.ref, .job = job, .state = tm_str("dead")}};
    fake_broker_send(broker, &state);
    send_result(broker, &job);
    settle(broker);
    ck_assert_uint_eq(got.states, 1);
    ck_assert_uint_eq(got.results, 1);
    ck_assert_str_eq(got.result_state, "dead");
}
END_TEST

START_TEST(a_known_key_moves_the_watch_to_the_first_job)
{
    tm_uuid_t earlier = tm_uuid_new();

    start_client((struct tm_client_options){0});
    submit(true);
    tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
    accept_job(broker, &asked, &earlier);
    tm_msg_t subscribed = expect(broker, TM_MSG_SUBSCRIBE);
    ck_assert(tm_uuid_is(&subscribed.subscribe.job, &earlier));
    send_result(broker, &earlier);
    run_until(&got.results, 1);
    ck_assert(tm_uuid_is(&got.answer.job, &earlier));
}
END_TEST

START_TEST(a_job_unsubscribed_is_not_reported)
{
    start_client((struct tm_client_options){0});
    submit(true);
    tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
    tm_uuid_t job = asked.submit.job;
    accept_job(broker, &asked, &job);
    run_until(&got.answers, 1);
    tm_client_unsubscribe(client, &job);
    send_result(broker, &job);
    settle(broker);
    ck_assert_uint_eq(got.results, 0);
}
END_TEST

START_TEST(the_window_bounds_what_is_unanswered)
{
    struct tm_job_spec spec = spec_of(false);

    start_client((struct tm_client_options){.window = 2});
    submit(false);
    submit(false);
    ck_assert_int_eq(tm_client_submit(client, &spec, on_answer, &got), TM_BUSY);
    tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
    accept_job(broker, &asked, &asked.submit.job);
    run_until(&got.answers, 1);
    submit(false);
    ck_assert_uint_eq(tm_client_pending(client), 2);
}
END_TEST

START_TEST(a_field_over_its_limit_is_refused_at_once)
{
    struct tm_job_spec spec = spec_of(true);
    char queue[TM_NAME_MAX + 2];

    start_client((struct tm_client_options){0});
    memset(queue, 'q', sizeof queue);
    queue[TM_NAME_MAX + 1] = '\0';
    spec.queue = queue;
    ck_assert_int_eq(tm_client_submit(client, &spec, on_answer, &got), TM_BAD_REQUEST);
    spec = spec_of(false);
    spec.body_size = TM_BODY_MAX + 1;
    ck_assert_int_eq(tm_client_submit(client, &spec, on_answer, &got), TM_BAD_REQUEST);
    ck_assert_uint_eq(tm_client_pending(client), 0);
}
END_TEST

START_TEST(a_bad_list_of_brokers_makes_no_client)
{
    static const char *const lists[] = {"", ",", "nonsense", "tcp://127.0.0.1:1,what://x",
                                        NULL};
    char many[17 * 20] = "";

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct tm_client_options options = {.brokers = lists[i]};
        ck_assert_ptr_null(tm_client_new(&options));
    }
    for (int i = 0; i < 17; i++)
        strcat(many, "tcp://127.0.0.1:9,");
    ck_assert_ptr_null(tm_client_new(&(struct tm_client_options){.brokers = many}));
}
END_TEST

START_TEST(submits_of_one_turn_leave_together)
{
    start_client((struct tm_client_options){.resend_ms = 60000});
    expect(broker, TM_MSG_PING);
    for (int i = 0; i < 300; i++)
        submit(false);
    for (int i = 0; i < 300; i++) {
        tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
        accept_job(broker, &asked, &asked.submit.job);
    }
    run_until(&got.answers, 300);
    ck_assert_uint_eq(fake_broker_messages(broker), 2); /* 256 pairs and 44 */
}
END_TEST

START_TEST(status_and_put_are_answered)
{
    tm_uuid_t job = tm_uuid_new();
    uint8_t hash[32] = {1};
    struct tm_piece piece = {.sha256 = hash, .size = 5, .data = "bytes", .data_size = 5};

    start_client((struct tm_client_options){0});
    ck_assert_int_eq(tm_client_status(client, &job, on_state, &got), TM_OK);
    tm_msg_t asked = expect(broker, TM_MSG_STATUS);
    tm_msg_t state = {.type = TM_MSG_STATE,
                      .state = {.ref = asked.status.ref, .job = job, .state = tm_str("ready")}};
    fake_broker_send(broker, &state);
    run_until(&got.states, 1);
    ck_assert_int_eq(tm_client_put(client, &piece, on_stored, &got), TM_OK);
    asked = expect(broker, TM_MSG_PUT);
    ck_assert(asked.put.sha256.size == 32 && tm_str_is(asked.body, "bytes"));
    tm_msg_t stored = {.type = TM_MSG_STORED,
                       .stored = {.ref = asked.put.ref, .complete = true}};
    fake_broker_send(broker, &stored);
    run_until(&got.stored, 1);
    ck_assert(got.err == TM_OK && got.complete);
}
END_TEST

START_TEST(words_that_cannot_be_read_or_were_not_asked_for_are_ignored)
{
    tm_msg_t stray = {.type = TM_MSG_ACCEPTED, .accepted = {.ref = 99999}};

    start_client((struct tm_client_options){0});
    submit(false);
    tm_msg_t asked = expect(broker, TM_MSG_SUBMIT);
    fake_broker_send_raw(broker, "\xdd\x03\xff\xff\xff\x01", 6);
    fake_broker_send(broker, &stray);
    tm_msg_t wrong = {.type = TM_MSG_STORED, .stored = {.ref = asked.submit.ref}};
    fake_broker_send(broker, &wrong);
    settle(broker);
    ck_assert_uint_eq(got.answers, 0);
    accept_job(broker, &asked, &asked.submit.job);
    run_until(&got.answers, 1);
}
END_TEST

static int
play_broker(zloop_t *loop, int timer, void *arg)
{
    tm_msg_t msg;

    (void)loop, (void)timer, (void)arg;
    if (fake_broker_take(broker, 0, TM_MSG_SUBMIT, &msg))
        accept_job(broker, &msg, &msg.submit.job);
    return got.answers == 1 ? -1 : 0;
}

START_TEST(an_attached_client_runs_in_the_loop)
{
    zloop_t *loop = zloop_new();

    start_client((struct tm_client_options){0});
    tm_client_attach(client, loop);
    submit(false);
    zloop_timer(loop, 1, 0, play_broker, NULL);
    ck_assert_int_eq(zloop_start(loop), -1);
    ck_assert_uint_eq(got.answers, 1);
    tm_client_destroy(&client);
    zloop_destroy(&loop);
}
END_TEST

/* It came while nobody waited, so no poll was interrupted by it. */
START_TEST(a_signal_is_told_once_whenever_it_came)
{
    start_client((struct tm_client_options){.brokers = place.endpoint[0]});
    raise(SIGTERM);
    ck_assert_int_eq(tm_client_wait(client, 10000), TM_DRAINING);
    ck_assert_int_eq(tm_client_wait(client, 1), TM_TIMEOUT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("client");
    TCase *tests = suite_case(suite, "client", setup, teardown);

    suite_tests(tests, an_answer_that_comes_twice_is_reported_once,
                a_lost_answer_is_asked_for_again_with_the_same_ids,
                a_restarted_broker_gets_what_is_unanswered,
                another_broker_takes_over_from_a_silent_one,
                a_draining_broker_is_left_for_another);
    tcase_add_loop_test(tests, a_passing_refusal_is_tried_again_and_not_reported, 0, 2);
    suite_tests(tests, a_final_refusal_is_reported_with_its_reason);
    tcase_add_loop_test(tests, giving_up_says_why, 0, 2);
    suite_tests(tests, a_result_is_delivered_once_per_watched_job,
                a_watched_job_is_subscribed_again_at_a_restarted_broker,
                a_watched_job_is_subscribed_again_by_a_new_connection,
                a_state_that_is_final_stands_for_a_lost_result,
                a_known_key_moves_the_watch_to_the_first_job,
                a_job_unsubscribed_is_not_reported, the_window_bounds_what_is_unanswered,
                a_field_over_its_limit_is_refused_at_once,
                a_bad_list_of_brokers_makes_no_client, submits_of_one_turn_leave_together,
                status_and_put_are_answered,
                words_that_cannot_be_read_or_were_not_asked_for_are_ignored,
                an_attached_client_runs_in_the_loop);
    suite_tests(tests, a_signal_is_told_once_whenever_it_came);
    return suite_run(suite);
}
