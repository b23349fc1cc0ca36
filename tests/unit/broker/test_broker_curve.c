/* Whom an encrypted broker lets in: intruders of every kind are refused and counted, while good
 * peers go on working beside them. */
#include "tests/unit/broker/broker_curve.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/client.h"
#include "proto/worker.h"
#include "tests/support/pg_suite.h"

static pg_fixture_t *fixture;
static peer_end_t *producer, *worker;
static uint64_t next_ref;

struct curve_world world;

static void
make_world(void)
{
    curve_world_make(&world, fixture);
}

void
start_world(void)
{
    tm_msg_t hello = curve_hello("good");

    curve_world_start(&world);
    producer = curve_world_peer(&world, "allow/good");
    worker = curve_world_peer(&world, "allow/good");
    peer_end_send(worker, &hello);
    peer_end_expect(worker, TM_MSG_WELCOME, SOON_MS);
}

void
end_world(void)
{
    peer_end_destroy(&producer);
    peer_end_destroy(&worker);
    curve_world_end(&world);
}

int
count(const char *sql)
{
    char *text = pg_fixture_query(world.url, sql);
    int value = (int)strtol(text, NULL, 10);

    free(text);
    return value;
}

tm_msg_t
curve_submit(const char *queue, uint64_t ref)
{
    static const tm_uuid_t workspace = {{[15] = 1}};
    tm_msg_t msg = {.type = TM_MSG_SUBMIT, .body = tm_str("body")};

    msg.submit.ref = ref;
    msg.submit.job = tm_uuid_new();
    msg.submit.queue = tm_str(queue);
    msg.submit.workspace = workspace;
    return msg;
}

tm_msg_t
curve_hello(const char *queues)
{
    tm_msg_t msg = {.type = TM_MSG_HELLO};

    msg.hello.actor = tm_str("test");
    msg.hello.worker = tm_uuid_new();
    msg.hello.queues = tm_str(queues);
    msg.hello.credit = 1;
    return msg;
}

tm_msg_t
curve_done(const struct tm_job *job)
{
    tm_msg_t msg = {.type = TM_MSG_DONE, .body = tm_str("result")};

    msg.done.job = job->job;
    msg.done.attempt = job->attempt;
    return msg;
}

void
expect_rejected(peer_end_t *peer, const tm_msg_t *msg, const char *code, const char *words)
{
    const struct tm_rejected *answer;
    char detail[TM_DETAIL_MAX + 1];

    peer_end_send(peer, msg);
    answer = &peer_end_expect(peer, TM_MSG_REJECTED, SOON_MS)->rejected;
    snprintf(detail, sizeof(detail), "%.*s", (int)answer->detail.size, answer->detail.data);
    ck_assert_msg(tm_str_is(answer->code, code) && strstr(detail, words), "%.*s: %s",
                  (int)answer->code.size, answer->code.data, detail);
}

void
good_peers_work(void)
{
    tm_msg_t msg = curve_submit("good", ++next_ref);
    struct tm_job job;

    peer_end_send(producer, &msg);
    job = peer_end_expect(worker, TM_MSG_JOB, SOON_MS)->job;
    ck_assert(tm_uuid_is(&job.job, &msg.submit.job));
    ck_assert_uint_eq(peer_end_expect(producer, TM_MSG_ACCEPTED, SOON_MS)->accepted.ref,
                      next_ref);
    msg = curve_done(&job);
    peer_end_send(worker, &msg);
    peer_end_expect(worker, TM_MSG_SETTLED, SOON_MS);
}

static uint64_t
refused_for(curve_reason_t one, curve_reason_t other)
{
    return curve_world_refused(&world, one) +
           (one == other ? 0 : curve_world_refused(&world, other));
}

static void
await_either(curve_reason_t one, curve_reason_t other, uint64_t wanted)
{
    int64_t end_ms = zclock_mono() + SOON_MS;

    do {
        ck_assert_msg(zclock_mono() < end_ms, "%llu refused instead of %llu",
                      (unsigned long long)refused_for(one, other), (unsigned long long)wanted);
        good_peers_work();
    } while (refused_for(one, other) < wanted);
}

void
await_refused(curve_reason_t reason, uint64_t wanted)
{
    await_either(reason, reason, wanted);
}

/* --- who has the right key ---------------------------------------------------------------- */

static void
on_answer(void *arg, const struct tm_answer *answer)
{
    tm_err_t *err = arg;

    *err = answer->err;
}

static struct tm_curve
good_certificates(char server[128], char client[128])
{
    curve_world_path(&world, "broker.cert", server);
    curve_world_path(&world, "allow/good.secret", client);
    return (struct tm_curve){.server = server, .client = client};
}

START_TEST(the_right_key_serves_producer_and_worker)
{
    char server[128], client_path[128];
    struct tm_curve curve = good_certificates(server, client_path);
    struct tm_client_options as_client = {.brokers = world.endpoint, .curve = curve};
    struct tm_worker_options as_worker = {
        .brokers = world.endpoint, .actor = "test", .queues = "other", .curve = curve};
    struct tm_job_spec spec = {.queue = "other", .workspace = {{[15] = 1}}};
    tm_err_t err = TM_INTERNAL;
    tm_client_t *client;
    tm_worker_t *taker;
    tm_job_t *job;

    start_world();
    client = tm_client_new(&as_client);
    taker = tm_worker_new(&as_worker);
    ck_assert(client && taker);
    ck_assert_int_eq(tm_client_submit(client, &spec, on_answer, &err), TM_OK);
    ck_assert_int_eq(tm_client_wait(client, SOON_MS), TM_OK);
    ck_assert_int_eq(err, TM_OK);
    ck_assert_int_eq(tm_worker_next(taker, SOON_MS, &job), TM_OK);
    tm_worker_done(taker, &job, false, "x", 1);
    tm_worker_destroy(&taker); /* waits for SETTLED */
    ck_assert_int_eq(count("SELECT count(*) FROM job_runs WHERE queue = 'other'"), 1);
    for (curve_reason_t i = 0; i < REASON_COUNT; i++)
        ck_assert_uint_eq(curve_world_refused(&world, i), 0);
    tm_client_destroy(&client);
}
END_TEST

START_TEST(a_worker_library_tells_that_its_certificate_does_not_do)
{
    char server[128], own[128];
    struct tm_worker_options options = {
        .brokers = world.endpoint, .actor = "test", .queues = "other"};
    int64_t end_ms = zclock_mono() + SOON_MS;
    tm_worker_t *refused;
    tm_job_t *job;

    curve_world_certify(&world, "allow/poor", NULL, "little");
    start_world();
    options.curve = good_certificates(server, own);
    curve_world_path(&world, "allow/poor.secret", own);
    refused = tm_worker_new(&options);
    ck_assert_ptr_nonnull(refused);
    while (tm_worker_refusal(refused) == TM_OK) {
        ck_assert(zclock_mono() < end_ms);
        ck_assert_int_eq(tm_worker_next(refused, 20, &job), TM_TIMEOUT);
    }
    ck_assert_int_eq(tm_worker_refusal(refused), TM_FORBIDDEN);
    tm_worker_destroy(&refused);
}
END_TEST

/* --- who has not -------------------------------------------------------------------------- */

static int
raw_connect(const void *bytes, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)world.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
    return fd;
}

static peer_end_t *
come_plain(void)
{
    return peer_end_new(world.endpoint);
}

static peer_end_t *
come_with_unknown_key(void)
{
    curve_world_certify(&world, "stranger", NULL, NULL);
    return curve_world_peer(&world, "stranger");
}

static peer_end_t *
come_to_another_server(void)
{
    zcert_t *other = zcert_new();
    peer_end_t *peer = curve_world_peer_as(&world, "allow/good", NULL, zcert_public_txt(other));

    zcert_destroy(&other);
    return peer;
}

static int
come_with_http(void)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: broker\r\nAccept: */*\r\n\r\n";

    return raw_connect(request, sizeof(request) - 1);
}

static int
come_with_noise(void)
{
    uint8_t noise[4096];

    memset(noise, 0xff, sizeof(noise));
    return raw_connect(noise, sizeof(noise));
}

static int
come_and_be_silent(void)
{
    return raw_connect("", 0);
}

static const uint8_t greeting[64] = {0xff, [9] = 0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E'};

static int
come_with_half_a_greeting(void)
{
    return raw_connect(greeting, 20);
}

static int
come_with_a_greeting_only(void)
{
    return raw_connect(greeting, sizeof(greeting));
}

/* A HELLO of the right size whose box holds nothing. */
static int
come_with_a_forged_hello(void)
{
    uint8_t bytes[64 + 2 + 200] = {0};

    memcpy(bytes, greeting, 64);
    bytes[64] = 0x04;
    bytes[65] = 200;
    memcpy(bytes + 66, "\x05HELLO\x01\x00", 8);
    return raw_connect(bytes, sizeof(bytes));
}

static int
come_with_a_short_hello(void)
{
    uint8_t bytes[64 + 2 + 6] = {0};

    memcpy(bytes, greeting, 64);
    memcpy(bytes + 64, "\x04\x06\x05HELLO", 8);
    return raw_connect(bytes, sizeof(bytes));
}

static const struct intruder {
    peer_end_t *(*peer)(void); /* says SUBMIT and HELLO */
    int (*raw)(void);          /* or bytes on a bare connection */
    curve_reason_t reason, or_reason;
} intruders[] = {
    /* a plain peer sees at the same time that the broker is not, and may hang up first */
    {come_with_unknown_key, NULL, REASON_unknown_key, REASON_unknown_key},
    {come_plain, NULL, REASON_not_curve, REASON_incomplete},
    {come_to_another_server, NULL, REASON_wrong_server_key, REASON_wrong_server_key},
    {NULL, come_with_http, REASON_garbage, REASON_garbage},
    {NULL, come_with_noise, REASON_not_curve, REASON_not_curve},
    {NULL, come_and_be_silent, REASON_incomplete, REASON_incomplete},
    {NULL, come_with_half_a_greeting, REASON_incomplete, REASON_incomplete},
    {NULL, come_with_a_greeting_only, REASON_incomplete, REASON_incomplete},
    {NULL, come_with_a_forged_hello, REASON_wrong_server_key, REASON_wrong_server_key},
    {NULL, come_with_a_short_hello, REASON_malformed, REASON_malformed},
};

START_TEST(an_intruder_is_refused_and_counted_and_disturbs_nobody)
{
    const struct intruder *intruder = &intruders[_i];
    tm_msg_t says[2] = {curve_hello("good"), curve_submit("stolen", 1)};
    peer_end_t *peer = NULL;
    char byte;
    int fd = -1;

    start_world();
    good_peers_work();
    if (intruder->peer) {
        peer = intruder->peer();
        peer_end_set_pings(peer, false);         /* with nobody to send to it would wait */
        (void)peer_end_offer_all(peer, says, 2); /* it may be refused before */
    } else {
        fd = intruder->raw();
    }
    await_either(intruder->reason, intruder->or_reason, 1);
    good_peers_work();
    if (peer) {
        ck_assert_ptr_null(peer_end_poll(peer, TM_MSG_WELCOME, 200));
        ck_assert_int_eq(count("SELECT count(*) FROM jobs WHERE queue = 'stolen'"), 0);
    } else {
        while (recv(fd, &byte, 1, 0) > 0)
            continue; /* the greeting; then the broker has hung up */
        close(fd);
    }
    peer_end_destroy(&peer);
}
END_TEST

START_TEST(hundreds_of_half_handshakes_keep_nobody_waiting)
{
    enum { CONNECTIONS = 300 };
    int fds[CONNECTIONS];

    start_world();
    for (int i = 0; i < CONNECTIONS; i++) {
        fds[i] = i % 2 ? come_with_a_greeting_only() : come_with_half_a_greeting();
        if (i % 50 == 0)
            good_peers_work();
    }
    await_refused(REASON_incomplete, CONNECTIONS); /* by good work, all the time */
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
}
END_TEST

START_TEST(a_refusal_is_logged_with_its_reason_and_without_secrets)
{
    peer_end_t *stranger;
    char path[128], *log;
    zcert_t *cert;

    start_world();
    stranger = come_with_unknown_key();
    await_refused(REASON_unknown_key, 1);
    log = curve_world_log(&world);
    curve_world_path(&world, "stranger.secret", path);
    cert = zcert_load(path);
    ck_assert_ptr_nonnull(strstr(log, "unknown_key"));
    ck_assert_ptr_nonnull(strstr(log, zcert_public_txt(cert)));
    zcert_destroy(&cert);
    curve_world_path(&world, "broker.secret", path);
    cert = zcert_load(path);
    ck_assert_ptr_null(strstr(log, zcert_secret_txt(cert)));
    zcert_destroy(&cert);
    free(log);
    peer_end_destroy(&stranger);
}
END_TEST

/* libzmq's thread is still telling of handshakes while the broker closes what listens to it. */
START_TEST(a_broker_ends_in_the_midst_of_handshakes)
{
    enum { CONNECTIONS = 60 };
    int fds[CONNECTIONS], status;
    int64_t start_ms;

    start_world();
    good_peers_work();
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = i % 3 == 0   ? come_with_http()
                 : i % 3 == 1 ? come_with_a_forged_hello()
                              : come_with_a_greeting_only();
    start_ms = zclock_mono();
    kill(world.pid, SIGTERM);
    ck_assert_int_eq(waitpid(world.pid, &status, 0), world.pid);
    world.pid = 0;
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_lt(zclock_mono() - start_ms, PATIENCE_MS);
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
}
END_TEST

static TCase *
intruder_tests(void)
{
    TCase *tcase = case_new("intruders", NULL, NULL);

    suite_tests(tcase, the_right_key_serves_producer_and_worker,
                a_worker_library_tells_that_its_certificate_does_not_do);
    suite_rows(tcase, an_intruder_is_refused_and_counted_and_disturbs_nobody, intruders);
    suite_tests(tcase, hundreds_of_half_handshakes_keep_nobody_waiting,
                a_broker_ends_in_the_midst_of_handshakes,
                a_refusal_is_logged_with_its_reason_and_without_secrets);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("broker_curve");
    TCase *tcases[] = {intruder_tests(), broker_allow_tests(), broker_start_tests(),
                       broker_roles_tests()};

    for (size_t i = 0; i < sizeof(tcases) / sizeof(tcases[0]); i++) {
        tcase_add_checked_fixture(tcases[i], make_world, end_world);
        suite_add_tcase(suite, tcases[i]);
    }
    return pg_suite_run(suite, &fixture);
}
