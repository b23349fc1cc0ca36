#include <check.h>
#include <stdlib.h>

#include "proto/link/handlers.h"
#include "tests/support/pairs.h"
#include "tests/support/suite.h"

struct seen {
    int pings;
    uint64_t seqs[4];
    size_t body_size;
    const void *peer;
    tm_err_t answer, admitted;
};

static struct seen seen;
static int somebody;

static void
setup(void)
{
    seen = (struct seen){.answer = TM_OK, .admitted = TM_OK};
}

static tm_err_t
on_ping(const delivery_t *in)
{
    struct seen *self = in->self;

    self->peer = in->peer;
    self->body_size = in->msg->body.size;
    if (self->pings < 4)
        self->seqs[self->pings] = in->msg->ping.seq;
    self->pings++;
    return self->answer;
}

static tm_err_t
admit(const delivery_t *in, const char **ret_what)
{
    const struct seen *self = in->self;

    if (self->admitted)
        *ret_what = "you may not say this";
    return self->admitted;
}

static const handlers_t handlers = {.on = {[TM_MSG_PING] = on_ping}};
static const handlers_t guarded = {.on = {[TM_MSG_PING] = on_ping}, .admit = admit};

static tm_err_t
say(const handlers_t *table, const tm_msg_t *msg, const char **ret_what)
{
    const delivery_t in = {.self = &seen, .peer = &somebody, .msg = msg};

    *ret_what = NULL;
    return handlers_call(table, &in, ret_what);
}

static void
append_ping(zmsg_t *out, uint64_t seq)
{
    tm_msg_t msg = {.type = TM_MSG_PING, .ping.seq = seq, .body = tm_str("body")};

    ck_assert_int_eq(tm_msg_append(out, &msg), TM_OK);
}

/* Says each pair of the message; returns what stopped it. */
static tm_err_t
say_all(zmsg_t *message)
{
    tm_pairs_t pairs = tm_pairs(message);
    const char *what;
    tm_msg_t msg;

    while (tm_pairs_next(&pairs, &msg))
        ck_assert_int_eq(say(&handlers, &msg, &what), TM_OK);
    zmsg_destroy(&message);
    return pairs.err;
}

START_TEST(every_pair_of_a_batch_reaches_its_handler_in_order)
{
    zmsg_t *message = zmsg_new();

    for (uint64_t i = 1; i <= 3; i++)
        append_ping(message, i * 10);
    ck_assert_int_eq(say_all(message), TM_OK);
    ck_assert_int_eq(seen.pings, 3);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert(seen.seqs[i] == (i + 1) * 10);
    ck_assert_uint_eq(seen.body_size, 4);
    ck_assert_ptr_eq(seen.peer, &somebody);
}
END_TEST

START_TEST(a_message_without_handler_is_not_found_and_the_next_is_handled)
{
    const tm_msg_t pong = {.type = TM_MSG_PONG}, ping = {.type = TM_MSG_PING};
    const char *what;

    ck_assert_int_eq(say(&handlers, &pong, &what), TM_NOT_FOUND);
    ck_assert(what && what[0]);
    ck_assert_int_eq(say(&handlers, &ping, &what), TM_OK);
    ck_assert_int_eq(seen.pings, 1);
}
END_TEST

START_TEST(a_handlers_error_is_the_answer_and_its_text_is_the_errors_own)
{
    const tm_msg_t ping = {.type = TM_MSG_PING};
    const char *what;

    seen.answer = TM_BUSY;
    ck_assert_int_eq(say(&handlers, &ping, &what), TM_BUSY);
    ck_assert_ptr_null(what);
    ck_assert_int_eq(seen.pings, 1);
}
END_TEST

START_TEST(what_its_sender_may_not_say_reaches_no_handler)
{
    const tm_msg_t ping = {.type = TM_MSG_PING}, pong = {.type = TM_MSG_PONG};
    const char *what;

    ck_assert_int_eq(say(&guarded, &ping, &what), TM_OK);
    seen.admitted = TM_FORBIDDEN;
    ck_assert_int_eq(say(&guarded, &ping, &what), TM_FORBIDDEN);
    ck_assert_str_eq(what, "you may not say this");
    ck_assert_int_eq(seen.pings, 1);
    ck_assert_int_eq(say(&guarded, &pong, &what), TM_NOT_FOUND);
}
END_TEST

START_TEST(bytes_that_are_no_message_end_a_batch_and_what_came_before_counts)
{
    zmsg_t *message = zmsg_new();

    append_ping(message, 1);
    zmsg_addstr(message, "garbage");
    zmsg_addstr(message, "");
    append_ping(message, 2);
    ck_assert_int_eq(say_all(message), TM_BAD_MESSAGE);
    ck_assert_int_eq(seen.pings, 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("handlers");
    TCase *tcase = suite_case(suite, "call", setup, NULL);

    suite_tests(tcase, every_pair_of_a_batch_reaches_its_handler_in_order,
                a_message_without_handler_is_not_found_and_the_next_is_handled,
                a_handlers_error_is_the_answer_and_its_text_is_the_errors_own,
                what_its_sender_may_not_say_reaches_no_handler,
                bytes_that_are_no_message_end_a_batch_and_what_came_before_counts);
    return suite_run(suite);
}
