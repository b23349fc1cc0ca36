/* The allow-list of an encrypted broker: what a certificate lets its owner do, what changes
 * while the broker runs, and with which files it does not start. */
#include "tests/unit/broker/broker_curve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/client.h"
#include "tests/support/suite.h"

/* --- what a certificate allows ------------------------------------------------------------ */

START_TEST(a_worker_may_not_serve_a_queue_that_its_certificate_does_not_name)
{
    tm_msg_t msg = curve_hello("a,good");
    peer_end_t *thief, *owner;

    curve_world_certify(&world, "allow/thief", NULL, "a, b");
    start_world();
    thief = curve_world_peer(&world, "allow/thief");
    expect_rejected(thief, &msg, "FORBIDDEN", "does not allow the queue good");
    await_refused(REASON_queue, 1);
    msg = curve_submit("a", 1);
    peer_end_send(thief, &msg);
    peer_end_expect(thief, TM_MSG_ACCEPTED, SOON_MS);
    ck_assert_ptr_null(peer_end_poll(thief, TM_MSG_JOB, 200)); /* refused as a whole */
    good_peers_work();
    msg = curve_hello("a b"); /* one queue, by the rules of HELLO */
    expect_rejected(thief, &msg, "FORBIDDEN", "does not allow the queue");
    owner = curve_world_peer(&world, "allow/thief");
    msg = curve_hello("b,a");
    peer_end_send(owner, &msg);
    peer_end_expect(owner, TM_MSG_JOB, SOON_MS);
    peer_end_destroy(&thief);
    peer_end_destroy(&owner);
}
END_TEST

START_TEST(a_producers_certificate_makes_no_worker)
{
    tm_msg_t hello = curve_hello("good"), submit = curve_submit("shop", 5);
    tm_msg_t metrics = {.type = TM_MSG_METRICS,
                        .metrics = {.actor = tm_str("shop"), .instance = tm_str("x")}};
    peer_end_t *peer;

    curve_world_certify(&world, "allow/shop", "producer", NULL);
    start_world();
    peer = curve_world_peer(&world, "allow/shop");
    expect_rejected(peer, &hello, "FORBIDDEN", "certificate shop allows no HELLO");
    peer_end_send(peer, &submit);
    peer_end_expect(peer, TM_MSG_ACCEPTED, SOON_MS);
    await_refused(REASON_role, 1);
    expect_rejected(peer, &metrics, "FORBIDDEN", "certificate shop allows no METRICS");
    peer_end_destroy(&peer);
}
END_TEST

START_TEST(a_workers_certificate_makes_no_producer)
{
    tm_uuid_t job = tm_uuid_new();
    tm_msg_t asks[] = {
        curve_submit("good", 11),
        {.type = TM_MSG_STATUS, .status = {.ref = 12, .job = job}},
        {.type = TM_MSG_SUBSCRIBE, .subscribe = {.ref = 13, .job = job}},
    };
    tm_msg_t hello = curve_hello("good");
    peer_end_t *peer;

    curve_world_certify(&world, "allow/hand", "worker", NULL);
    start_world();
    peer = curve_world_peer(&world, "allow/hand");
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        peer_end_send(peer, &asks[i]);
        const struct tm_rejected *answer =
            &peer_end_expect(peer, TM_MSG_REJECTED, SOON_MS)->rejected;
        ck_assert(tm_str_is(answer->code, "FORBIDDEN"));
        ck_assert_uint_eq(answer->ref, 11 + i);
    }
    ck_assert_int_eq(count("SELECT count(*) FROM jobs"), 0);
    peer_end_send(peer, &hello);
    peer_end_expect(peer, TM_MSG_WELCOME, SOON_MS);
    peer_end_destroy(&peer);
}
END_TEST

/* --- what changes while it runs ----------------------------------------------------------- */

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    tm_err_t *err = arg;

    *err = answer->err;
}

START_TEST(a_new_certificate_is_let_in_without_a_restart)
{
    char from[128], to[128], server[128], own[128];
    struct tm_client_options options = {.brokers = world.endpoint,
                                        .curve = {server, own, false}};
    struct tm_job_spec spec = {.queue = "late", .workspace = {{[15] = 1}}};
    tm_err_t err = TM_INTERNAL;
    tm_client_t *client;

    curve_world_certify(&world, "late", NULL, NULL);
    curve_world_path(&world, "broker.cert", server);
    curve_world_path(&world, "late.secret", own);
    start_world();
    client = tm_client_new(&options);
    ck_assert_ptr_nonnull(client);
    ck_assert_int_eq(tm_client_submit(client, &spec, on_answer, &err), TM_OK);
    while (curve_world_refused(&world, REASON_unknown_key) == 0)
        ck_assert_int_eq(tm_client_wait(client, 20), TM_TIMEOUT);
    curve_world_path(&world, "late.cert", from);
    curve_world_path(&world, "allow/late.cert", to);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(tm_client_wait(client, SOON_MS), TM_OK);
    ck_assert_int_eq(err, TM_OK);
    tm_client_destroy(&client);
}
END_TEST

/* A peer that holds a job of queue "a". */
static struct tm_job
take_one(peer_end_t *peer)
{
    tm_msg_t hello = curve_hello("a"), submit = curve_submit("a", 1);

    peer_end_send(peer, &hello);
    peer_end_expect(peer, TM_MSG_WELCOME, SOON_MS);
    peer_end_send(peer, &submit);
    return peer_end_expect(peer, TM_MSG_JOB, SOON_MS)->job;
}

START_TEST(a_revoked_worker_is_heard_no_more_and_its_job_goes_to_another)
{
    tm_msg_t hello = curve_hello("a"), done;
    peer_end_t *revoked, *heir;
    struct tm_job first, second;

    curve_world_certify(&world, "allow/bad", NULL, NULL);
    start_world();
    revoked = curve_world_peer(&world, "allow/bad");
    first = take_one(revoked);
    peer_end_set_pings(revoked, false); /* it is not its own word that gives it away */
    curve_world_remove(&world, "allow/bad.cert");
    heir = curve_world_peer(&world, "allow/good");
    peer_end_send(heir, &hello);
    second = peer_end_expect(heir, TM_MSG_JOB, SOON_MS)->job;
    ck_assert(tm_uuid_is(&first.job, &second.job));
    ck_assert_uint_eq(second.attempt, 2);
    done = curve_done(&first);
    peer_end_send(revoked, &done);
    await_refused(REASON_revoked_key, 1);
    ck_assert_ptr_null(peer_end_poll(revoked, TM_MSG_REJECTED, 100));
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs WHERE queue = 'a'"), 0);
    peer_end_destroy(&revoked);
    revoked = curve_world_peer(&world, "allow/bad");
    peer_end_send(revoked, &hello);
    await_refused(REASON_unknown_key, 1);
    peer_end_destroy(&revoked);
    peer_end_destroy(&heir);
}
END_TEST

START_TEST(a_revoked_key_may_be_let_in_again_on_the_same_connection)
{
    char in[128], out[128];
    tm_msg_t msg = curve_submit("good", 1);
    peer_end_t *peer;

    curve_world_certify(&world, "allow/torn", NULL, NULL);
    start_world();
    peer = curve_world_peer(&world, "allow/torn");
    peer_end_send(peer, &msg);
    peer_end_expect(peer, TM_MSG_ACCEPTED, SOON_MS);
    curve_world_path(&world, "allow/torn.cert", in);
    curve_world_path(&world, "torn", out);
    ck_assert_int_eq(rename(in, out), 0);
    while (curve_world_refused(&world, REASON_revoked_key) == 0)
        peer_end_poll(peer, TM_MSG_ACCEPTED, 120); /* it pings */
    ck_assert_int_eq(rename(out, in), 0);
    peer_end_expect(peer, TM_MSG_PONG, SOON_MS);
    msg = curve_submit("good", 2);
    peer_end_send(peer, &msg);
    peer_end_expect(peer, TM_MSG_ACCEPTED, SOON_MS);
    peer_end_destroy(&peer);
}
END_TEST

/* The certificate's text with other queues. */
static void
narrow(const char *file, const char *queues)
{
    char path[128], text[1024];
    zcert_t *cert;

    curve_world_path(&world, file, path);
    cert = zcert_load(path);
    ck_assert_ptr_nonnull(cert);
    snprintf(text, sizeof(text),
             "metadata\n    queues = \"%s\"\ncurve\n    public-key = \"%s\"\n", queues,
             zcert_public_txt(cert));
    zcert_destroy(&cert);
    curve_world_write(&world, file, text);
}

START_TEST(a_worker_whose_certificate_is_narrowed_loses_its_queue)
{
    tm_msg_t hello = curve_hello("a");
    peer_end_t *peer, *heir;

    curve_world_certify(&world, "allow/wide", NULL, NULL);
    start_world();
    peer = curve_world_peer(&world, "allow/wide");
    take_one(peer);
    narrow("allow/wide.cert", "b");
    ck_assert(
        tm_str_is(peer_end_expect(peer, TM_MSG_REJECTED, SOON_MS)->rejected.code, "NOT_FOUND"));
    expect_rejected(peer, &hello, "FORBIDDEN", "does not allow the queue a");
    heir = curve_world_peer(&world, "allow/good");
    peer_end_send(heir, &hello);
    ck_assert_uint_eq(peer_end_expect(heir, TM_MSG_JOB, SOON_MS)->job.attempt, 2);
    hello = curve_hello("b");
    peer_end_send(peer, &hello);
    peer_end_expect(peer, TM_MSG_WELCOME, SOON_MS);
    peer_end_destroy(&peer);
    peer_end_destroy(&heir);
}
END_TEST

/* While the broker still has the connection before, whoever comes behind its routing id is not
 * heard, and is not told so; it comes again. */
static void
expect_rejected_behind(const char *routing_id, const tm_msg_t *msg, const char *code)
{
    int64_t end_ms = zclock_mono() + SOON_MS;
    const tm_msg_t *answer = NULL;
    peer_end_t *heir = NULL;

    while (!answer) {
        ck_assert_msg(zclock_mono() < end_ms, "nobody hears it");
        peer_end_destroy(&heir);
        heir = curve_world_peer_as(&world, "allow/other", routing_id, NULL);
        peer_end_send(heir, msg);
        answer = peer_end_poll(heir, TM_MSG_REJECTED, 500);
    }
    ck_assert(tm_str_is(answer->rejected.code, code));
    peer_end_destroy(&heir);
}

START_TEST(another_key_behind_a_workers_routing_id_is_another_peer)
{
    tm_msg_t done;
    peer_end_t *peer;
    struct tm_job job;

    curve_world_certify(&world, "allow/other", NULL, NULL);
    start_world();
    peer = curve_world_peer_as(&world, "allow/good", "the same", NULL);
    job = take_one(peer);
    peer_end_destroy(&peer); /* its lease lasts a minute */
    done = curve_done(&job);
    expect_rejected_behind("the same", &done, "NOT_FOUND");
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs WHERE queue = 'a'"), 0);
}
END_TEST

/* --- wrong files in the allow-list -------------------------------------------------------- */

static char *
await_log(const char *words)
{
    int64_t end_ms = zclock_mono() + SOON_MS;
    char *log = curve_world_log(&world);

    while (!strstr(log, words)) {
        ck_assert_msg(zclock_mono() < end_ms, "the log says nothing of \"%s\"", words);
        free(log);
        good_peers_work();
        log = curve_world_log(&world);
    }
    return log;
}

static const struct {
    const char *text, *words;
} wrong_certificates[] = {
    {"", "has no public-key"},
    {"nonsense \x01 {[", "has no public-key"},
    {"curve\n    public-key = \"short\"\n", "line 2 cannot be read"},
    {"curve\n    public-key = \"0000000000000000000000000000000000000000\"\n", "line 2"},
    {"curve\n    public-key = \"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"\n", "line 2"},
    {"curve\n    public-key \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"\n", "line 2"},
    {"metadata\n    role = \"king\"\ncurve\n"
     "    public-key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"\n",
     "role is not of producer, worker and monitor"},
    {"curve\n    public-key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"\n"
     "    secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\"\n",
     "holds a secret key"},
};

START_TEST(a_wrong_certificate_is_named_and_the_others_count)
{
    char *log;

    curve_world_write(&world, "allow/wrong.cert", wrong_certificates[_i].text);
    start_world();
    good_peers_work();
    log = await_log("wrong.cert");
    ck_assert_msg(strstr(log, wrong_certificates[_i].words) != NULL, "%s", log);
    ck_assert_ptr_null(strstr(log, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"));
    free(log);
}
END_TEST

START_TEST(two_certificates_of_one_key_let_nobody_in)
{
    tm_msg_t msg = curve_submit("good", 1);
    char from[128], to[128];
    peer_end_t *peer;
    char *log;

    curve_world_certify(&world, "allow/one", NULL, "a");
    start_world();
    narrow("allow/one.cert", "a");
    curve_world_path(&world, "allow/one.cert", from);
    curve_world_path(&world, "allow/two.cert", to);
    ck_assert_int_eq(link(from, to), 0);
    log = await_log("have the same key");
    ck_assert(strstr(log, "one.cert") && strstr(log, "two.cert"));
    free(log);
    peer = curve_world_peer(&world, "allow/one");
    peer_end_send(peer, &msg);
    await_refused(REASON_unknown_key, 1);
    peer_end_destroy(&peer);
}
END_TEST

START_TEST(a_directory_that_is_gone_lets_nobody_in_and_comes_back)
{
    tm_msg_t msg = curve_submit("good", 1);
    char allow[128], away[128];
    peer_end_t *peer;

    start_world();
    peer = curve_world_peer(&world, "allow/good");
    peer_end_send(peer, &msg);
    peer_end_expect(peer, TM_MSG_ACCEPTED, SOON_MS);
    curve_world_path(&world, "allow", allow);
    curve_world_path(&world, "away", away);
    ck_assert_int_eq(rename(allow, away), 0);
    while (curve_world_refused(&world, REASON_revoked_key) == 0)
        peer_end_poll(peer, TM_MSG_ACCEPTED, 120); /* it pings */
    ck_assert_int_eq(rename(away, allow), 0);
    peer_end_expect(peer, TM_MSG_PONG, SOON_MS);
    peer_end_destroy(&peer);
}
END_TEST

TCase *
broker_allow_tests(void)
{
    TCase *tcase = case_new("allow", NULL, NULL);

    suite_tests(tcase, a_worker_may_not_serve_a_queue_that_its_certificate_does_not_name,
                a_producers_certificate_makes_no_worker,
                a_workers_certificate_makes_no_producer,
                a_new_certificate_is_let_in_without_a_restart,
                a_revoked_worker_is_heard_no_more_and_its_job_goes_to_another,
                a_revoked_key_may_be_let_in_again_on_the_same_connection,
                a_worker_whose_certificate_is_narrowed_loses_its_queue,
                another_key_behind_a_workers_routing_id_is_another_peer);
    suite_rows(tcase, a_wrong_certificate_is_named_and_the_others_count, wrong_certificates);
    suite_tests(tcase, two_certificates_of_one_key_let_nobody_in,
                a_directory_that_is_gone_lets_nobody_in_and_comes_back);
    return tcase;
}
