/* How a broker with wrong keys or files, or one that would be open, does not start. */
#include "tests/unit/broker/broker_curve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

static void
open_secret_to_others(void)
{
    char path[128];

    curve_world_path(&world, "broker.secret", path);
    ck_assert_int_eq(chmod(path, 0644), 0);
}

static void
break_secret(void)
{
    curve_world_write(&world, "broker.secret", "curve\n    secret-key = \"half a sec");
}

static void
mix_keys(void)
{
    char text[512], path[128];
    zcert_t *one = zcert_new(), *two = zcert_new();

    snprintf(text, sizeof(text), "curve\n    public-key = \"%s\"\n    secret-key = \"%s\"\n",
             zcert_public_txt(one), zcert_secret_txt(two));
    curve_world_write(&world, "broker.secret", text);
    curve_world_path(&world, "broker.secret", path);
    ck_assert_int_eq(chmod(path, 0600), 0);
    zcert_destroy(&one);
    zcert_destroy(&two);
}

static void
take_public_for_secret(void)
{
    char path[128];

    curve_world_path(&world, "broker.cert", path);
    ck_assert_int_eq(chmod(path, 0600), 0);
    curve_world_set(&world, "broker.curve_secret=%s", path);
}

static void
have_no_secret_file(void)
{
    curve_world_remove(&world, "broker.secret");
}

static void
have_no_allow_list(void)
{
    curve_world_set(&world, "broker.curve_allow=%s/nowhere", world.dir);
}

static void
set_secret_only(void)
{
    curve_world_set(&world, "broker.curve_allow=");
}

static void
set_allow_only(void)
{
    curve_world_set(&world, "broker.curve_secret=");
}

static void
be_plain(void)
{
    curve_world_set(&world, "broker.curve_secret=");
    curve_world_set(&world, "broker.curve_allow=");
}

#define OFF(name, host)                                                         \
    static void name(void)                                                      \
    {                                                                           \
        be_plain();                                                             \
        curve_world_set(&world, "broker.listen=tcp://" host ":%d", world.port); \
    }
OFF(listen_everywhere, "0.0.0.0")
OFF(listen_to_a_star, "*")
OFF(listen_to_an_interface, "eth0")
OFF(listen_to_six, "[::]")
OFF(listen_to_a_likeness, "127.0.0.1.example.org")
OFF(listen_with_a_source, "127.0.0.1;0.0.0.0")

static const struct {
    void (*spoil)(void);
    const char *words[2];
} failures[] = {
    {open_secret_to_others, {"broker.secret", "its mode is 0644"}},
    {break_secret, {"broker.secret", "others may read"}},
    {mix_keys, {"broker.secret", "do not belong together"}},
    {take_public_for_secret, {"broker.cert", "has no secret-key"}},
    {have_no_secret_file, {"broker.secret", "No such file"}},
    {have_no_allow_list, {"/nowhere", "No such file"}},
    {set_secret_only, {"broker.curve_allow is not", "broker.curve_secret is set"}},
    {set_allow_only, {"broker.curve_secret is not", "let everybody in"}},
    {listen_everywhere, {"tcp://0.0.0.0:", "set broker.allow_plain_tcp=1"}},
    {listen_to_a_star, {"tcp://*:", "`tunemill keys`"}},
    {listen_to_an_interface, {"tcp://eth0:", "broker.curve_secret"}},
    {listen_to_six, {"tcp://[::]:", "broker.allow_plain_tcp=1"}},
    {listen_to_a_likeness, {"tcp://127.0.0.1.example.org:", "plain tcp is not safe"}},
    {listen_with_a_source, {"tcp://127.0.0.1;0.0.0.0:", "plain tcp is not safe"}},
};

START_TEST(a_broker_that_would_not_be_safe_does_not_start_and_says_why)
{
    char *log;

    failures[_i].spoil();
    ck_assert_int_eq(curve_world_start_fails(&world), 1);
    log = curve_world_log(&world);
    for (int i = 0; i < 2; i++)
        ck_assert_msg(strstr(log, failures[_i].words[i]) != NULL, "%s", log);
    ck_assert_ptr_null(strstr(log, "half a sec"));
    free(log);
}
END_TEST

START_TEST(plain_tcp_is_for_this_machine_or_for_who_asks_for_it)
{
    static const char *const listen[] = {"127.0.0.1", "127.3.2.1", "0.0.0.0"};
    tm_msg_t msg = curve_submit("good", 1);
    peer_end_t *peer;

    be_plain();
    curve_world_set(&world, "broker.listen=tcp://%s:%d", listen[_i], world.port);
    curve_world_set(&world, "broker.allow_plain_tcp=%d", _i == 2);
    curve_world_start(&world);
    snprintf(world.endpoint, sizeof(world.endpoint), "tcp://%s:%d",
             _i == 1 ? listen[1] : "127.0.0.1", world.port);
    peer = peer_end_new(world.endpoint);
    peer_end_send(peer, &msg);
    peer_end_expect(peer, TM_MSG_ACCEPTED, SOON_MS);
    peer_end_destroy(&peer);
}
END_TEST

TCase *
broker_start_tests(void)
{
    TCase *tcase = case_new("start", NULL, NULL);

    suite_rows(tcase, a_broker_that_would_not_be_safe_does_not_start_and_says_why, failures);
    tcase_add_loop_test(tcase, plain_tcp_is_for_this_machine_or_for_who_asks_for_it, 0, 3);
    return tcase;
}
