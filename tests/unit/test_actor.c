#include <check.h>
#include <stdlib.h>

#include "actors/kit/runtime/actor.h"
#include "actors/kit/util/auto.h"
#include "tests/support/suite.h"

struct seen {
    int pings, refused;
    uint64_t seqs[4];
    size_t body_size;
    tm_err_t err, answer;
    bool has_msg, has_what, has_peer;
};

static meters_t *metrics;
static struct seen seen;

static void
setup(void)
{
    metrics = meters_new("test");
    seen = (struct seen){.answer = TM_OK};
}

static void
teardown(void)
{
    meters_destroy(&metrics);
}

static tm_err_t
on_ping(void *state, void *peer, const tm_msg_t *msg)
{
    struct seen *self = state;

    self->has_peer = peer != NULL;
    self->body_size = msg->body.size;
    if (self->pings < 4)
        self->seqs[self->pings] = msg->ping.seq;
    self->pings++;
    return self->answer;
}

static void
on_refuse(void *state, void *peer, const tm_msg_t *msg, tm_err_t err, const char *what)
{
    struct seen *self = state;

    (void)peer;
    self->refused++;
    self->err = err;
    self->has_msg = msg != NULL;
    self->has_what = what && what[0];
}

static const tm_actor_type_t type = {
    .name = "test", .on = {[TM_MSG_PING] = on_ping}, .refuse = on_refuse};

static void
append_ping(zmsg_t *out, uint64_t seq)
{
    tm_msg_t msg = {.type = TM_MSG_PING, .body = tm_str("body")};

    msg.ping.seq = seq;
    ck_assert_int_eq(tm_msg_append(out, &msg), TM_OK);
}

static void
dispatch(zmsg_t *message, zframe_t *peer)
{
    actor_dispatch(&type, &seen, metrics, peer, message);
}

START_TEST(every_pair_of_a_batch_reaches_its_handler_in_order)
{
    tm_auto(zmsg) message = zmsg_new();
    tm_auto(zframe) peer = zframe_new("id", 2);

    for (uint64_t i = 1; i <= 3; i++)
        append_ping(message, i * 10);
    dispatch(message, peer);
    ck_assert_int_eq(seen.pings, 3);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert(seen.seqs[i] == (i + 1) * 10);
    ck_assert_uint_eq(seen.body_size, 4);
    ck_assert(seen.has_peer);
    ck_assert_int_eq(seen.refused, 0);
    ck_assert_uint_eq(meters_get(metrics, METRIC_MESSAGES_IN, "PING"), 3);
}
END_TEST

START_TEST(a_message_without_handler_is_refused_as_not_found_and_counted)
{
    tm_auto(zmsg) message = zmsg_new();
    tm_msg_t msg = {.type = TM_MSG_PONG};

    ck_assert_int_eq(tm_msg_append(message, &msg), TM_OK);
    append_ping(message, 1);
    dispatch(message, NULL);
    ck_assert_int_eq(seen.err, TM_NOT_FOUND);
    ck_assert(seen.has_msg && seen.has_what);
    ck_assert_int_eq(seen.pings, 1);
    ck_assert_uint_eq(meters_get(metrics, METRIC_MESSAGES_BAD, "NOT_FOUND"), 1);
}
END_TEST

START_TEST(a_handlers_error_is_refused_with_the_message)
{
    tm_auto(zmsg) message = zmsg_new();

    seen.answer = TM_BUSY;
    append_ping(message, 1);
    dispatch(message, NULL);
    ck_assert_int_eq(seen.err, TM_BUSY);
    ck_assert(seen.has_msg && seen.has_what);
    ck_assert_uint_eq(meters_get(metrics, METRIC_MESSAGES_BAD, "BUSY"), 0);
}
END_TEST

START_TEST(bytes_that_are_no_message_are_refused_and_what_came_before_counts)
{
    tm_auto(zmsg) message = zmsg_new();

    append_ping(message, 1);
    zmsg_addstr(message, "garbage");
    zmsg_addstr(message, "");
    append_ping(message, 2);
    dispatch(message, NULL);
    ck_assert_int_ge(seen.pings, 1);
    ck_assert_int_ge(seen.refused, 1);
    ck_assert_int_eq(seen.err, TM_BAD_MESSAGE);
    ck_assert(!seen.has_msg && seen.has_what);
    ck_assert_uint_eq(meters_get(metrics, METRIC_MESSAGES_BAD, "BAD_MESSAGE"), 1);
}
END_TEST

START_TEST(an_actor_without_refuse_drops_what_it_cannot_handle)
{
    static const tm_actor_type_t silent = {.name = "silent"};
    tm_auto(zmsg) message = zmsg_new();

    append_ping(message, 1);
    actor_dispatch(&silent, NULL, metrics, NULL, message);
    ck_assert_uint_eq(meters_get(metrics, METRIC_MESSAGES_BAD, "NOT_FOUND"), 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("actor");
    TCase *tcase = suite_case(suite, "dispatch", setup, teardown);

    suite_tests(tcase, every_pair_of_a_batch_reaches_its_handler_in_order,
                a_message_without_handler_is_refused_as_not_found_and_counted,
                a_handlers_error_is_refused_with_the_message,
                bytes_that_are_no_message_are_refused_and_what_came_before_counts,
                an_actor_without_refuse_drops_what_it_cannot_handle);
    return suite_run(suite);
}
