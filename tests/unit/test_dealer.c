#include <check.h>
#include <stdlib.h>

#include "proto/dealer.h"

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

int
main(void)
{
    Suite *suite = suite_create("dealer");
    TCase *tests = tcase_create("dealer");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_first_word_is_a_new_brokers_and_the_next_is_not);
    tcase_add_test(tests, another_name_is_a_new_broker);
    tcase_add_test(tests, a_broker_silent_for_too_long_is_new_when_it_speaks);
    tcase_add_test(tests, a_silence_that_nobody_noticed_counts_too);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
