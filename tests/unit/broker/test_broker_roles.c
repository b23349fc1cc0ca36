/* Who may say what to an encrypted broker: every message against every role, and what a
 * worker's certificate names of queues, services and itself. */
#include "tests/unit/broker/broker_curve.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"

static const char *const role_lists[] = {NULL,      "producer",         "worker",
                                         "monitor", "producer,monitor", " worker , monitor "};

/* Well-formed words of any message; what it says is of no use to anybody. */
static tm_msg_t
make_word(tm_msg_type_t type)
{
    tm_msg_t msg = {.type = type, .body = tm_str("")};

    if (type == TM_MSG_HELLO)
        msg.hello.worker = tm_uuid_new();
    if (type == TM_MSG_SUBMIT)
        msg = curve_submit("shop", 1);
    return msg;
}

/* A pair of a number that no message has: it is answered, so all before it has been, too. */
static const struct tm_rejected *
await_end(peer_end_t *peer, bool *ret_is_end)
{
    const struct tm_rejected *answer =
        &peer_end_expect(peer, TM_MSG_REJECTED, SOON_MS)->rejected;

    *ret_is_end = tm_str_is(answer->code, "UNKNOWN_MESSAGE");
    return answer;
}

static bool
is_heard(peer_end_t *peer, tm_msg_type_t type)
{
    static const uint8_t unknown[] = {0x82, 0, 1, 1, 40};
    tm_msg_t msg = make_word(type);
    char wanted[100], detail[TM_DETAIL_MAX + 1];
    bool is_refused = false, is_end = false;

    snprintf(wanted, sizeof(wanted), "allows no %s", tm_msg_name(type));
    peer_end_send(peer, &msg);
    peer_end_send_raw(peer, unknown, sizeof(unknown), true);
    while (!is_end) {
        const struct tm_rejected *answer = await_end(peer, &is_end);

        snprintf(detail, sizeof(detail), "%.*s", (int)answer->detail.size, answer->detail.data);
        is_refused = is_refused ||
                     (tm_str_is(answer->code, "FORBIDDEN") && strstr(detail, wanted)) ||
                     strstr(detail, "takes no message of that type");
    }
    return !is_refused;
}

START_TEST(a_message_is_heard_from_those_roles_that_its_row_names)
{
    const char *list = role_lists[_i];
    unsigned roles = list ? tm_roles_parse(list) : TM_BY_PEERS;
    peer_end_t *peer;
    size_t heard = 0;

    curve_world_certify(&world, "allow/some", list, NULL);
    start_world();
    peer = curve_world_peer(&world, "allow/some");
    for (tm_msg_type_t type = TM_MSG_NONE; type < TM_MSG_LIMIT; type++) {
        bool may = (tm_msg_roles(type) & roles) != 0;

        if (!tm_msg_name(type))
            continue;
        ck_assert_msg(is_heard(peer, type) == may, "%s from %s is %s", tm_msg_name(type),
                      list ? list : "any role", may ? "not heard" : "heard");
        heard += may;
    }
    ck_assert_uint_ge(heard, 3); /* PING, PONG and METRICS, or more */
    peer_end_destroy(&peer);
    good_peers_work();
}
END_TEST

START_TEST(only_monitors_hear_what_the_others_count)
{
    tm_msg_t report = {.type = TM_MSG_METRICS,
                       .metrics = {.actor = tm_str("x"),
                                   .instance = tm_str("x-1"),
                                   .has_watch = true,
                                   .watch = true},
                       .body = tm_str("")};
    peer_end_t *hand, *watcher;

    curve_world_certify(&world, "allow/hand", "worker", NULL);
    curve_world_certify(&world, "allow/watcher", "monitor", NULL);
    start_world();
    hand = curve_world_peer(&world, "allow/hand");
    watcher = curve_world_peer(&world, "allow/watcher");
    expect_rejected(hand, &report, "FORBIDDEN", "certificate hand allows no METRICS");
    report.metrics.instance = tm_str("x-2");
    peer_end_send(watcher, &report);
    report.metrics.instance = tm_str("x-3");
    report.metrics.has_watch = false;
    do /* until it watches, this is passed on to nobody */
        peer_end_send(hand, &report);
    while (!peer_end_poll(watcher, TM_MSG_METRICS, 100));
    peer_end_destroy(&hand);
    peer_end_destroy(&watcher);
}
END_TEST

START_TEST(jobs_behind_a_workers_done_are_its_own_words)
{
    tm_msg_t hello = curve_hello("a"), first = curve_submit("a", 1), words[2];
    peer_end_t *hand, *shop;

    curve_world_certify(&world, "allow/hand", "worker", "a");
    curve_world_certify(&world, "allow/shop", "producer", NULL);
    start_world();
    hand = curve_world_peer(&world, "allow/hand");
    shop = curve_world_peer(&world, "allow/shop");
    peer_end_send(hand, &hello);
    peer_end_send(shop, &first);
    words[0] = curve_done(&peer_end_expect(hand, TM_MSG_JOB, SOON_MS)->job);
    words[0].done.has_followers = true;
    words[0].done.followers = 1;
    words[1] = curve_submit("a", 0);
    peer_end_send_all(hand, words, 2);
    ck_assert(
        tm_uuid_is(&peer_end_expect(hand, TM_MSG_JOB, SOON_MS)->job.job, &words[1].submit.job));
    expect_rejected(hand, &words[1], "FORBIDDEN", "certificate hand allows no SUBMIT");
    peer_end_destroy(&hand);
    peer_end_destroy(&shop);
}
END_TEST

/* --- services ----------------------------------------------------------------------------- */

static tm_msg_t
hello_to_answer(const char *queues, const char *services)
{
    tm_msg_t msg = curve_hello(queues);

    msg.hello.has_services = true;
    msg.hello.services = tm_str(services);
    return msg;
}

static peer_end_t *
welcome_server(const char *name, const char *services)
{
    tm_msg_t hello = hello_to_answer("", services);
    peer_end_t *peer = curve_world_peer(&world, name);

    peer_end_send(peer, &hello);
    peer_end_expect(peer, TM_MSG_WELCOME, SOON_MS);
    return peer;
}

START_TEST(a_server_answers_the_calls_of_a_producer)
{
    tm_msg_t call = {.type = TM_MSG_CALL,
                     .call = {.ref = 7, .service = tm_str("sums"), .deadline_ms = SOON_MS},
                     .body = tm_str("1 + 2")};
    tm_msg_t answer = {.type = TM_MSG_RETURN, .body = tm_str("3")};
    peer_end_t *server, *shop;

    curve_world_certify_server(&world, "allow/server", "sums");
    curve_world_certify(&world, "allow/shop", "producer", NULL);
    start_world();
    server = welcome_server("allow/server", "sums");
    shop = curve_world_peer(&world, "allow/shop");
    peer_end_send(shop, &call);
    answer.returned.ref = peer_end_expect(server, TM_MSG_CALL, SOON_MS)->call.ref;
    peer_end_send(server, &answer);
    ck_assert_uint_eq(peer_end_expect(shop, TM_MSG_RETURN, SOON_MS)->returned.ref, 7);
    expect_rejected(server, &call, "FORBIDDEN", "certificate server allows no CALL");
    peer_end_destroy(&server);
    peer_end_destroy(&shop);
}
END_TEST

START_TEST(a_worker_answers_no_service_that_its_certificate_does_not_name)
{
    tm_msg_t takes_calls = hello_to_answer("a", "sums"),
             takes_more = hello_to_answer("", "a,b");
    tm_msg_t takes_jobs = hello_to_answer("a", "b");
    peer_end_t *hand, *server;

    curve_world_certify(&world, "allow/hand", "worker", "a");
    curve_world_certify_server(&world, "allow/server", "b");
    start_world();
    hand = curve_world_peer(&world, "allow/hand");
    server = curve_world_peer(&world, "allow/server");
    expect_rejected(hand, &takes_calls, "FORBIDDEN", "does not allow the service sums");
    expect_rejected(server, &takes_more, "FORBIDDEN", "does not allow the service a");
    await_refused(REASON_service, 2);
    expect_rejected(server, &takes_jobs, "FORBIDDEN", "does not allow the queue a");
    peer_end_destroy(&hand);
    peer_end_destroy(&server);
}
END_TEST

START_TEST(a_server_whose_certificate_is_narrowed_loses_its_service)
{
    char path[128], text[1024];
    tm_msg_t hello = hello_to_answer("", "sums");
    peer_end_t *server;
    zcert_t *cert;

    curve_world_certify_server(&world, "allow/server", "sums");
    start_world();
    server = welcome_server("allow/server", "sums");
    curve_world_path(&world, "allow/server.cert", path);
    cert = zcert_load(path);
    ck_assert_ptr_nonnull(cert);
    snprintf(text, sizeof(text),
             "metadata\n    services = \"other\"\ncurve\n    public-key = \"%s\"\n",
             zcert_public_txt(cert));
    zcert_destroy(&cert);
    curve_world_write(&world, "allow/server.cert", text);
    ck_assert(tm_str_is(peer_end_expect(server, TM_MSG_REJECTED, SOON_MS)->rejected.code,
                        "NOT_FOUND"));
    expect_rejected(server, &hello, "FORBIDDEN", "does not allow the service sums");
    peer_end_destroy(&server);
}
END_TEST

START_TEST(a_workers_id_belongs_to_the_key_that_said_it_first)
{
    tm_msg_t hello = curve_hello("a"), submit = curve_submit("a", 1), done;
    peer_end_t *owner, *thief;

    curve_world_certify(&world, "allow/owner", "worker", "a");
    curve_world_certify(&world, "allow/thief", "worker", "a");
    start_world();
    owner = curve_world_peer(&world, "allow/owner");
    thief = curve_world_peer(&world, "allow/thief");
    peer_end_send(owner, &hello);
    peer_end_expect(owner, TM_MSG_WELCOME, SOON_MS);
    expect_rejected(thief, &hello, "FORBIDDEN", "is not of the certificate thief");
    await_refused(REASON_worker, 1);
    peer_end_destroy(&thief);
    thief = curve_world_peer(&world, "allow/good");
    peer_end_send(thief, &submit);
    done = curve_done(&peer_end_expect(owner, TM_MSG_JOB, SOON_MS)->job);
    peer_end_send(owner, &done);
    peer_end_expect(owner, TM_MSG_SETTLED, SOON_MS);
    peer_end_destroy(&owner);
    peer_end_destroy(&thief);
}
END_TEST

TCase *
broker_roles_tests(void)
{
    TCase *tcase = case_new("roles", NULL, NULL);

    tcase_add_loop_test(tcase, a_message_is_heard_from_those_roles_that_its_row_names, 0,
                        sizeof(role_lists) / sizeof(role_lists[0]));
    tcase_add_test(tcase, only_monitors_hear_what_the_others_count);
    tcase_add_test(tcase, jobs_behind_a_workers_done_are_its_own_words);
    tcase_add_test(tcase, a_server_answers_the_calls_of_a_producer);
    tcase_add_test(tcase, a_worker_answers_no_service_that_its_certificate_does_not_name);
    tcase_add_test(tcase, a_server_whose_certificate_is_narrowed_loses_its_service);
    tcase_add_test(tcase, a_workers_id_belongs_to_the_key_that_said_it_first);
    return tcase;
}
