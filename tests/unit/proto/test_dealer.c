#include <check.h>
#include <stdlib.h>

#include "proto/link/dealer.h"
#include "tests/support/suite.h"

static dealer_t dealer; /* without a socket: nothing here is sent; its monitor has no news */
static tm_msg_t pong;

static void
setup(void)
{
    dealer = (dealer_t){.monitor = zsock_new(ZMQ_PAIR),
                        .silence_ms = 300,
                        .pinged_ms = 1000000,
                        .ping_ms = 1000000};
    pong = (tm_msg_t){.type = TM_MSG_PONG, .pong = {.broker = {{1}}, .has_broker = true}};
}

static void
teardown(void)
{
    zsock_destroy(&dealer.monitor);
}

START_TEST(the_first_word_is_a_new_brokers_and_the_next_is_not)
{
    ck_assert(dealer_heard(&dealer, &pong, 1000000));
    ck_assert(!dealer_heard(&dealer, &pong, 1000299));
    ck_assert(!dealer_heard(&dealer, &pong, 1000598));
}
END_TEST

START_TEST(another_name_is_a_new_broker)
{
    dealer_heard(&dealer, &pong, 1000000);
    pong.pong.broker.bytes[0] = 2;
    ck_assert(dealer_heard(&dealer, &pong, 1000001));
}
END_TEST

START_TEST(a_broker_silent_for_too_long_is_new_when_it_speaks)
{
    dealer_heard(&dealer, &pong, 1000000);
    ck_assert(dealer_tick(&dealer, 1000299));
    ck_assert(!dealer_tick(&dealer, 1000300));
    ck_assert(dealer_heard(&dealer, &pong, 1000301));
}
END_TEST

/* A process that was stopped may read what waits before it looks at its clock. */
START_TEST(a_silence_that_nobody_noticed_counts_too)
{
    dealer_heard(&dealer, &pong, 1000000);
    ck_assert(dealer_heard(&dealer, &pong, 1000300));
    ck_assert(dealer.alive);
}
END_TEST

/* libzmq waits for room in the monitor's pipe, with the I/O thread or in zmq_close. */
START_TEST(one_whose_news_nobody_reads_closes)
{
    struct tm_curve plain = {0};
    zsock_t *router = zsock_new(ZMQ_ROUTER);
    char endpoint[64], *name, *word;
    int port = zsock_bind(router, "tcp://127.0.0.1:*");
    dealer_t cut[BROKERS_MAX];

    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    ck_assert_uint_eq(dealers_connect(cut, endpoint, &plain), 1);
    ck_assert_int_eq(zsock_rcvhwm(cut->monitor), 0);
    dealer_msg(cut, &pong);
    dealer_flush(cut);
    ck_assert_int_eq(zstr_recvx(router, &name, &word, NULL), 2); /* connected */
    zstr_free(&name);
    zstr_free(&word);
    zsock_destroy(&router);
    while (!(zsock_events(cut->monitor) & ZMQ_POLLIN)) /* the suite's time-out ends it */
        zclock_sleep(1);
    dealers_close(cut, 1);
}
END_TEST

/* A socket's address is soon another socket's, and ZeroMQ remembers for a while what the first
 * one was called. */
START_TEST(one_that_comes_right_after_another_connects)
{
    struct tm_curve plain = {0};
    dealer_t next[BROKERS_MAX];

    for (int i = 0; i < 300; i++) {
        ck_assert_uint_eq(dealers_connect(next, "ipc:///tmp/tm-nobody", &plain), 1);
        dealers_close(next, 1);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("dealer");
    TCase *tests = suite_case(suite, "dealer", setup, teardown);

    suite_tests(tests, the_first_word_is_a_new_brokers_and_the_next_is_not,
                another_name_is_a_new_broker,
                a_broker_silent_for_too_long_is_new_when_it_speaks,
                a_silence_that_nobody_noticed_counts_too, one_whose_news_nobody_reads_closes,
                one_that_comes_right_after_another_connects);
    return suite_run(suite);
}
