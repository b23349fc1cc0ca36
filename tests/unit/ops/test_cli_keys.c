/* `tunemill keys` as people meet it, and a whole system that speaks CURVE with what it made. */
#include <arpa/inet.h>
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/curve.h"
#include "tests/support/command.h"
#include "tests/support/suite.h"
#include "tests/support/system.h"

static char root[64], dir[96];
static struct command *last;

enum { WORDS = 8 };

static void
set_up(void)
{
    snprintf(root, sizeof(root), "/tmp/tm-keys-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(dir, sizeof(dir), "%s/keys", root);
}

static int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void
tear_down(void)
{
    command_destroy(&last);
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* `tunemill keys DIR` and up to eight words. */
static const struct command *
keys(const char *const words[WORDS])
{
    const char *argv[12] = {TUNEMILL, "keys", dir};

    for (size_t i = 0; words && i < WORDS; i++)
        argv[3 + i] = words[i];
    command_destroy(&last);
    last = command_run(argv);
    ck_assert_ptr_nonnull(last);
    return last;
}

#define KEYS(...) keys((const char *const[WORDS]){__VA_ARGS__})

static void
path_of(const char *file, char path[160])
{
    snprintf(path, 160, "%s/%s", dir, file);
}

static int
mode_of(const char *file)
{
    char path[160];
    struct stat st;

    path_of(file, path);
    return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static char *
text_of(const char *file)
{
    char path[160];
    char *text = calloc(1, 4096);
    FILE *in;

    path_of(file, path);
    in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    text[fread(text, 1, 4095, in)] = '\0';
    fclose(in);
    return text;
}

START_TEST(a_pair_is_made_for_the_broker_and_for_each_name)
{
    static const char *const pairs[][2] = {{"broker.secret", "broker.cert"},
                                           {"alice.secret", "allow/alice.cert"},
                                           {"bob-2.secret", "allow/bob-2.cert"}};
    char secret_path[160], public_path[160], detail[512];
    zcert_t *secret = NULL, *public = NULL;

    umask(0); /* the modes are its own */
    ck_assert_int_eq(KEYS("--name", "alice", "--name", "bob-2")->code, 0);
    ck_assert_int_eq(mode_of("."), 0700);
    ck_assert_int_eq(mode_of("allow"), 0700);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(mode_of(pairs[i][0]), 0600);
        ck_assert_int_eq(mode_of(pairs[i][1]), 0644);
        path_of(pairs[i][0], secret_path);
        path_of(pairs[i][1], public_path);
        ck_assert_int_eq(tm_curve_secret(secret_path, &secret, detail, sizeof(detail)), TM_OK);
        ck_assert_int_eq(tm_curve_public(public_path, &public, detail, sizeof(detail)), TM_OK);
        ck_assert_str_eq(zcert_public_txt(secret), zcert_public_txt(public));
        ck_assert_ptr_null(strstr(last->out, zcert_secret_txt(secret)));
        ck_assert_ptr_nonnull(strstr(last->out, pairs[i][0]));
        zcert_destroy(&secret);
        zcert_destroy(&public);
    }
    ck_assert_ptr_nonnull(strstr(last->out, "broker.curve_secret="));
    ck_assert_ptr_nonnull(strstr(last->out, "broker.curve_allow="));
    ck_assert_ptr_nonnull(strstr(last->out, "broker.curve_server="));
    ck_assert_ptr_nonnull(strstr(last->out, "broker.curve_client="));
}
END_TEST

START_TEST(what_is_there_is_kept)
{
    char *broker, *alice, *again;

    ck_assert_int_eq(KEYS("--name", "alice")->code, 0);
    broker = text_of("broker.secret");
    alice = text_of("alice.secret");
    ck_assert_int_eq(KEYS("--name", "carol", "--name", "alice")->code, 1);
    ck_assert_ptr_nonnull(strstr(last->err, "alice.secret is there already"));
    ck_assert_int_eq(mode_of("carol.secret"), -1); /* nothing was made of what failed */
    ck_assert_int_eq(KEYS("--name", "carol")->code, 0);
    ck_assert_ptr_nonnull(strstr(last->out, "kept"));
    again = text_of("broker.secret");
    ck_assert_str_eq(again, broker);
    free(again);
    again = text_of("alice.secret");
    ck_assert_str_eq(again, alice);
    free(again);
    free(broker);
    free(alice);
}
END_TEST

START_TEST(half_a_pair_is_for_a_person_to_look_at)
{
    char path[160];

    ck_assert_int_eq(KEYS(NULL)->code, 0);
    path_of("broker.cert", path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(KEYS(NULL)->code, 1);
    ck_assert_ptr_nonnull(strstr(last->err, "one is missing"));
    ck_assert_int_eq(mode_of("broker.cert"), -1);
}
END_TEST

/* A link to a file elsewhere is a file that is there: nothing is written through it. */
START_TEST(no_link_is_followed)
{
    char path[160], victim[160];
    struct stat st;

    ck_assert_int_eq(KEYS(NULL)->code, 0);
    snprintf(victim, sizeof(victim), "%s/victim", root);
    path_of("alice.secret", path);
    ck_assert_int_eq(symlink(victim, path), 0);
    ck_assert_int_eq(KEYS("--name", "alice")->code, 1);
    ck_assert_int_eq(lstat(victim, &st), -1);
    ck_assert_int_eq(unlink(path), 0);
    path_of("allow/alice.cert", path);
    ck_assert_int_eq(symlink(victim, path), 0);
    ck_assert_int_eq(KEYS("--name", "alice")->code, 1);
    ck_assert_int_eq(lstat(victim, &st), -1);
}
END_TEST

START_TEST(a_directory_that_others_may_write_to_is_refused)
{
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_int_eq(chmod(dir, 0777), 0);
    ck_assert_int_eq(KEYS("--name", "alice")->code, 1);
    ck_assert_ptr_nonnull(strstr(last->err, "others may write"));
    ck_assert_int_eq(mode_of("broker.secret"), -1);
}
END_TEST

static const struct {
    const char *words[WORDS];
    const char *answer;
} refusals[] = {
    {{"--name", "../alice"}, "is not a name"},
    {{"--name", "/tmp/alice"}, "is not a name"},
    {{"--name", "a/b"}, "is not a name"},
    {{"--name", ".."}, "is not a name"},
    {{"--name", ".hidden"}, "is not a name"},
    {{"--name", ""}, "is not a name"},
    {{"--name=-rf"}, "is not a name"},
    {{"--name", "Alice"}, "is not a name"},
    {{"--name", "a b"}, "is not a name"},
    {{"--name", "a\nb"}, "is not a name"},
    {{"--name", "\xc3\xa9"}, "is not a name"},
    {{"--name", "a2345678901234567890123456789012345678901234567890"}, "is not a name"},
    {{"--name", "broker"}, "is the broker's own"},
    {{"--name", "a", "--name", "a"}, "is given twice"},
    {{"--role", "worker"}, "there is none"},
    {{"--name", "a", "--role", "king"}, "is not of producer, worker and monitor"},
    {{"--name", "a", "--role", "worker,"}, "is not of producer, worker and monitor"},
    {{"--name", "a", "--role", "broker"}, "is not of producer, worker and monitor"},
    {{"--name", "a", "--role", "monitor", "--queues", "a"}, "are for workers"},
    {{"--name", "a", "--services", "a,,b"}, "is not a list of services"},
    {{"--services", "a"}, "there is none"},
    {{"--name", "a", "--queues", "a,,b"}, "is not a list"},
    {{"--name", "a", "--queues", ""}, "is not a list"},
    {{"--name", "a", "--queues", "a\"\n    role = \"x"}, "is not a list"},
};

START_TEST(a_wrong_word_makes_nothing)
{
    struct stat st;

    keys(refusals[_i].words);
    ck_assert_int_eq(last->code, 2);
    ck_assert_msg(strstr(last->err, refusals[_i].answer) != NULL, "%s", last->err);
    ck_assert_int_eq(stat(dir, &st), -1);
}
END_TEST

START_TEST(role_queues_and_services_stand_in_the_certificate)
{
    char path[160], detail[512];
    zcert_t *cert = NULL;

    ck_assert_int_eq(KEYS("--name", "hand", "--role", "worker,monitor", "--queues",
                          "tune,own.queue", "--services", "a.b")
                         ->code,
                     0);
    path_of("allow/hand.cert", path);
    ck_assert_int_eq(tm_curve_public(path, &cert, detail, sizeof(detail)), TM_OK);
    ck_assert_str_eq(zcert_meta(cert, "role"), "worker,monitor");
    ck_assert_str_eq(zcert_meta(cert, "queues"), "tune,own.queue");
    ck_assert_str_eq(zcert_meta(cert, "services"), "a.b");
    zcert_destroy(&cert);
}
END_TEST

START_TEST(help_says_how_a_key_is_allowed_and_revoked)
{
    const char *argv[] = {TUNEMILL, "keys", "--help", NULL};

    last = command_run(argv);
    ck_assert_int_eq(last->code, 0);
    ck_assert_ptr_nonnull(strstr(last->out, "The allow-list"));
    ck_assert_ptr_nonnull(strstr(last->out, "To revoke a key"));
    ck_assert_ptr_nonnull(strstr(last->out, "--role producer,monitor"));
}
END_TEST

/* --- a whole system ----------------------------------------------------------------------- */

static int
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void
set_variable(const char *name, const char *file)
{
    char path[160];

    path_of(file, path);
    ck_assert_int_eq(setenv(name, path, 1), 0);
}

static const struct command *
submit(const struct system_up *up)
{
    const char *argv[] = {TUNEMILL,     "submit",     "tests/data/sp500_daily.csv",
                          "--strategy", "sma_cross",  "--trials",
                          "4",          "--data-dir", up->data_dir,
                          "--watch",    NULL};

    command_destroy(&last);
    last = command_run(argv);
    ck_assert_ptr_nonnull(last);
    return last;
}

START_TEST(a_whole_system_speaks_curve_and_refuses_who_does_not)
{
    struct system_up up = {.pid = 0};
    char endpoint[64];
    int port = free_port();

    ck_assert_int_eq(KEYS("--name", "system", "--name", "shop")->code, 0);
    snprintf(endpoint, sizeof(endpoint), "tcp://0.0.0.0:%d", port);
    setenv("TUNEMILL_BROKER_LISTEN", endpoint, 1);
    snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d", port);
    setenv("TUNEMILL_BROKER_BROKERS", endpoint, 1);
    set_variable("TUNEMILL_BROKER_CURVE_SECRET", "broker.secret");
    set_variable("TUNEMILL_BROKER_CURVE_ALLOW", "allow");
    set_variable("TUNEMILL_BROKER_CURVE_SERVER", "broker.cert");
    set_variable("TUNEMILL_BROKER_CURVE_CLIENT", "system.secret");
    system_start(&up, "1"); /* ready: the bridge has reached the broker */
    set_variable("TUNEMILL_BROKER_CURVE_CLIENT", "shop.secret");
    ck_assert_msg(submit(&up)->code == 0, "%s", last->err);
    unsetenv("TUNEMILL_BROKER_CURVE_CLIENT");
    ck_assert_int_eq(submit(&up)->code, 2);
    ck_assert_ptr_nonnull(strstr(last->err, "one certificate is not enough"));
    unsetenv("TUNEMILL_BROKER_CURVE_SERVER");
    ck_assert_int_eq(submit(&up)->code, 1); /* plain: nobody answers */
    ck_assert_ptr_nonnull(strstr(last->err, "no broker answers"));
    setenv("TUNEMILL_BROKER_BROKERS", "tcp://192.0.2.1:5555", 1);
    ck_assert_int_eq(submit(&up)->code, 2);
    ck_assert_ptr_nonnull(strstr(last->err, "leads off this machine"));
    ck_assert_ptr_nonnull(strstr(last->err, "broker.curve_client"));
    system_stop(&up);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cli_keys");
    TCase *tcase = suite_case(suite, "keys", set_up, tear_down);

    suite_tests(tcase, a_pair_is_made_for_the_broker_and_for_each_name, what_is_there_is_kept,
                half_a_pair_is_for_a_person_to_look_at, no_link_is_followed,
                a_directory_that_others_may_write_to_is_refused);
    suite_rows(tcase, a_wrong_word_makes_nothing, refusals);
    suite_tests(tcase, role_queues_and_services_stand_in_the_certificate,
                help_says_how_a_key_is_allowed_and_revoked,
                a_whole_system_speaks_curve_and_refuses_who_does_not);
    return suite_run(suite);
}
