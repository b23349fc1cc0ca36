/* Certificates as files, and which endpoints go without them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/client.h"
#include "proto/curve.h"
#include "proto/worker.h"
#include "tests/support/suite.h"

#define PUBLIC_KEY "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET_KEY "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
#define PUBLIC     "curve\n    public-key = \"" PUBLIC_KEY "\"\n"
#define SECRET     PUBLIC "    secret-key = \"" SECRET_KEY "\"\n"

static char dir[64], path[128], other[128];
static char detail[2048];

static void
set_up(void)
{
    snprintf(dir, sizeof(dir), "/tmp/tm-certs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/a", dir);
    snprintf(other, sizeof(other), "%s/a_secret", dir);
}

static void
tear_down(void)
{
    unlink(path);
    rmdir(path);
    unlink(other);
    rmdir(dir);
}

static void
write_bytes(const char *where, const char *bytes, size_t size, mode_t mode)
{
    FILE *file = fopen(where, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
    ck_assert_int_eq(chmod(where, mode), 0);
}

static void
write_text(const char *text, mode_t mode)
{
    write_bytes(path, text, strlen(text), mode);
}

START_TEST(what_czmq_writes_is_read)
{
    zcert_t *cert = zcert_new(), *read = NULL;

    zcert_set_meta(cert, "queues", "%s", "a,b");
    ck_assert_int_eq(zcert_save_secret(cert, path), 0);
    ck_assert_int_eq(tm_curve_secret(path, &read, detail, sizeof(detail)), TM_OK);
    ck_assert(zcert_eq(cert, read));
    ck_assert_str_eq(zcert_meta(read, "queues"), "a,b");
    zcert_destroy(&read);
    ck_assert_int_eq(zcert_save_public(cert, path), 0);
    ck_assert_int_eq(tm_curve_public(path, &read, detail, sizeof(detail)), TM_OK);
    ck_assert_str_eq(zcert_public_txt(read), zcert_public_txt(cert));
    zcert_destroy(&read);
    zcert_destroy(&cert);
}
END_TEST

START_TEST(the_file_that_is_named_is_read_and_not_its_neighbour)
{
    zcert_t *read = NULL;

    write_text(PUBLIC, 0644);
    write_bytes(other, SECRET, strlen(SECRET), 0600);
    ck_assert_int_eq(tm_curve_public(path, &read, detail, sizeof(detail)), TM_OK);
    ck_assert_str_eq(zcert_secret_txt(read), "0000000000000000000000000000000000000000");
    zcert_destroy(&read);
}
END_TEST

START_TEST(metadata_are_text_and_no_format)
{
    zcert_t *read = NULL;

    write_text("metadata\n    name = \"%s%s%n%1000000d\"\n    x = y\r\n" PUBLIC, 0644);
    ck_assert_int_eq(tm_curve_public(path, &read, detail, sizeof(detail)), TM_OK);
    ck_assert_str_eq(zcert_meta(read, "name"), "%s%s%n%1000000d");
    ck_assert_str_eq(zcert_meta(read, "x"), "y");
    zcert_destroy(&read);
}
END_TEST

static const struct {
    const char *text;
    mode_t mode;
    bool is_secret;
    const char *words;
} wrong[] = {
    {"", 0644, false, "has no public-key"},
    {"#" PUBLIC, 0644, false, "has no public-key"},
    {"curve\n    public-key\n", 0644, false, "line 2"},
    {"curve\n    = x\n", 0644, false, "line 2"},
    {"curve\n    public-key = \"x\"\n", 0644, false, "line 2"},
    {"curve\n    public-key = \"" PUBLIC_KEY "\n", 0644, false, "line 2"},
    {"other\n    public-key = \"" PUBLIC_KEY "\"\n", 0644, false, "has no public-key"},
    {SECRET, 0600, false, "holds a secret key"},
    {PUBLIC, 0600, true, "has no secret-key"},
    {SECRET, 0644, true, "mode is 0644"},
    {SECRET, 0604, true, "mode is 0604"},
    {SECRET, 0660, true, "mode is 0660"},
    {PUBLIC "    secret-key = \"" PUBLIC_KEY "\"\n", 0600, true, "do not belong together"},
    {PUBLIC "    secret-key = \"0000000000000000000000000000000000000000\"\n", 0600, true,
     "line 3"},
    {PUBLIC "    secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%c\n", 0600, true,
     "line 3"},
};

START_TEST(a_wrong_certificate_is_named_and_its_secret_is_not)
{
    zcert_t *read = NULL;
    tm_err_t err;

    write_text(wrong[_i].text, wrong[_i].mode);
    err = wrong[_i].is_secret ? tm_curve_secret(path, &read, detail, sizeof(detail))
                              : tm_curve_public(path, &read, detail, sizeof(detail));
    ck_assert_int_eq(err, TM_BAD_SETTING);
    ck_assert_ptr_null(read);
    ck_assert_msg(strstr(detail, wrong[_i].words) && strstr(detail, path), "%s", detail);
    ck_assert_ptr_null(strstr(detail, "D:)Q[IlAW"));
}
END_TEST

START_TEST(what_is_no_certificate_at_all_is_refused)
{
    static char large[20000];
    zcert_t *read = NULL;

    ck_assert_int_eq(tm_curve_public(path, &read, detail, sizeof(detail)), TM_BAD_SETTING);
    ck_assert_ptr_nonnull(strstr(detail, "No such file"));
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(tm_curve_public(path, &read, detail, sizeof(detail)), TM_BAD_SETTING);
    ck_assert_ptr_nonnull(strstr(detail, "is not a file"));
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* nobody writes to it: no waiting */
    ck_assert_int_eq(tm_curve_public(path, &read, detail, sizeof(detail)), TM_BAD_SETTING);
    ck_assert_int_eq(unlink(path), 0);
    memset(large, '#', sizeof(large));
    write_bytes(path, large, sizeof(large), 0644);
    ck_assert_int_eq(tm_curve_public(path, &read, detail, sizeof(detail)), TM_BAD_SETTING);
    ck_assert_ptr_nonnull(strstr(detail, "too large"));
    write_bytes(path, PUBLIC "\0" SECRET, sizeof(PUBLIC SECRET), 0644);
    ck_assert_int_eq(tm_curve_public(path, &read, detail, sizeof(detail)), TM_BAD_SETTING);
    ck_assert_ptr_nonnull(strstr(detail, "not text"));
}
END_TEST

static const struct {
    const char *endpoint;
    bool is_local;
} endpoints[] = {
    {"ipc:///tmp/x", true},
    {"inproc://x", true},
    {"tcp://127.0.0.1:1", true},
    {"tcp://127.255.0.3:1", true},
    {"tcp://[::1]:1", true},
    {"tcp://localhost:1", true},
    {"tcp://*:1", false},
    {"tcp://0.0.0.0:1", false},
    {"tcp://[::]:1", false},
    {"tcp://10.0.0.1:1", false},
    {"tcp://128.0.0.1:1", false},
    {"tcp://lo:1", false},
    {"tcp://eth0:1", false},
    {"tcp://localhost.example.org:1", false},
    {"tcp://127.0.0.1.example.org:1", false},
    {"tcp://127.1:1", false},
    {"tcp://127.0.0.1;10.0.0.1:1", false},
    {"tcp://127.0.0.1:1;10.0.0.1:1", false},
    {"tcp://127.0.0.1", false},
    {"tcp://:1", false},
    {"udp://127.0.0.1:1", false},
    {"pgm://127.0.0.1:1", false},
    {"TCP://127.0.0.1:1", false},
    {"", false},
};

START_TEST(plain_is_local_only_where_no_other_machine_can_be_meant)
{
    ck_assert_msg(tm_curve_is_local(endpoints[_i].endpoint) == endpoints[_i].is_local, "%s",
                  endpoints[_i].endpoint);
}
END_TEST

START_TEST(a_client_and_a_worker_do_not_go_out_in_plain)
{
    const char *brokers = "ipc:///tmp/tm-nobody,tcp://192.0.2.1:5555";
    struct tm_client_options as_client = {.brokers = brokers};
    struct tm_worker_options as_worker = {.brokers = brokers, .actor = "t", .queues = "q"};
    tm_client_t *client;
    tm_worker_t *worker;

    ck_assert_ptr_null(tm_client_new(&as_client));
    ck_assert_ptr_null(tm_worker_new(&as_worker));
    ck_assert_int_eq(tm_curve_check(&as_client.curve, brokers, detail, sizeof(detail)),
                     TM_BAD_SETTING);
    ck_assert_ptr_nonnull(strstr(detail, "tcp://192.0.2.1:5555 leads off this machine"));
    as_client.curve.allow_plain_tcp = as_worker.curve.allow_plain_tcp = true;
    client = tm_client_new(&as_client);
    worker = tm_worker_new(&as_worker);
    ck_assert(client && worker);
    tm_client_destroy(&client);
    tm_worker_destroy(&worker);
}
END_TEST

START_TEST(one_certificate_or_a_wrong_one_makes_no_client)
{
    struct tm_client_options options = {.brokers = "ipc:///tmp/tm-nobody",
                                        .curve = {.server = path}};

    write_text(PUBLIC, 0644);
    ck_assert_ptr_null(tm_client_new(&options));
    ck_assert_int_eq(tm_curve_check(&options.curve, "", detail, sizeof(detail)),
                     TM_BAD_SETTING);
    ck_assert_ptr_nonnull(strstr(detail, "one certificate is not enough"));
    options.curve.client = other;
    ck_assert_ptr_null(tm_client_new(&options));
    write_bytes(other, SECRET, strlen(SECRET), 0644);
    ck_assert_ptr_null(tm_client_new(&options));
    ck_assert_int_eq(chmod(other, 0600), 0);
    tm_client_t *client = tm_client_new(&options);
    ck_assert_ptr_nonnull(client);
    tm_client_destroy(&client);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("curve");
    TCase *tcase = suite_case(suite, "curve", set_up, tear_down);

    suite_tests(tcase, what_czmq_writes_is_read,
                the_file_that_is_named_is_read_and_not_its_neighbour,
                metadata_are_text_and_no_format);
    suite_rows(tcase, a_wrong_certificate_is_named_and_its_secret_is_not, wrong);
    suite_tests(tcase, what_is_no_certificate_at_all_is_refused);
    suite_rows(tcase, plain_is_local_only_where_no_other_machine_can_be_meant, endpoints);
    suite_tests(tcase, a_client_and_a_worker_do_not_go_out_in_plain,
                one_certificate_or_a_wrong_one_makes_no_client);
    return suite_run(suite);
}
