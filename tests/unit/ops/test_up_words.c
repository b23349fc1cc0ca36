/* What `tunemill up` says to people: before it starts, of a port that is taken; when it has, of
 * where to go. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ops/supervisor/announce.h"
#include "ops/supervisor/port_owner.h"
#include "tests/support/suite.h"

/* --- ports -------------------------------------------------------------------------------- */

static int
listen_somewhere(int family, char address[64])
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET,
                               .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const bool is_six = family == AF_INET6;
    struct sockaddr *where = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t size = is_six ? sizeof six : sizeof four;
    const int fd = socket(family, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, where, size), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, where, &size), 0);
    snprintf(address, 64, is_six ? "[::1]:%u" : "127.0.0.1:%u",
             ntohs(is_six ? six.sin6_port : four.sin_port));
    return fd;
}

static const int families[] = {AF_INET, AF_INET6};

START_TEST(a_port_that_is_taken_is_told_with_its_program)
{
    char address[64], detail[300] = "", who[64];
    const int fd = listen_somewhere(families[_i], address);

    ck_assert(!port_is_free(address, detail, sizeof detail));
    snprintf(who, sizeof who, "(process %d)", (int)getpid());
    ck_assert_msg(strstr(detail, address) && strstr(detail, "is held by test_up_words") &&
                      strstr(detail, who) && strstr(detail, "--http"),
                  "%s", detail);
    close(fd);
    ck_assert(port_is_free(address, detail, sizeof detail));
}
END_TEST

START_TEST(an_address_that_is_not_ours_is_told)
{
    char detail[300] = "";

    ck_assert(!port_is_free("192.0.2.1:8080", detail, sizeof detail));
    ck_assert_msg(strstr(detail, "cannot listen at 192.0.2.1:8080: "), "%s", detail);
}
END_TEST

START_TEST(what_is_no_address_or_any_port_is_left_to_the_bridge)
{
    static const char *const texts[] = {"127.0.0.1:0", "", "8080", "nowhere.invalid:8080",
                                        "127.0.0.1:http-no-such"};
    char detail[300] = "";

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(port_is_free(texts[i], detail, sizeof detail), "%s: %s", texts[i],
                      detail);
    ck_assert_str_eq(detail, "");
}
END_TEST

/* --- ready -------------------------------------------------------------------------------- */

static const struct {
    const char *token;
    bool is_local;
    const char *says;
} doors[] = {{"a-secret-token", false, "the value of ADMIN_TOKEN"},
             {"", true, "not needed from this machine"},
             {"", false, "nobody can: start again with ADMIN_TOKEN=..."}};

START_TEST(a_terminal_is_told_where_to_go_and_how_to_log_in)
{
    settings_t *settings = settings_new();
    json_t *what = json_pack("{s:s, s:s, s:s}", "http", "http://127.0.0.1:8080", "broker",
                             "ipc:///run/broker.sock", "database", "postgresql://h/db");
    char *text = NULL, assignment[64], detail[300];
    size_t size;
    FILE *out = open_memstream(&text, &size);

    snprintf(assignment, sizeof assignment, "http.admin_token=%s", doors[_i].token);
    ck_assert_int_eq(settings_set(settings, assignment, detail, sizeof detail), TM_OK);
    settings->http_allow_localhost_admin = doors[_i].is_local;
    announce_in_words(out, settings, what, "/srv/data");
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "http://127.0.0.1:8080/\n"));
    ck_assert_ptr_nonnull(strstr(text, "data       /srv/data\n"));
    ck_assert_msg(strstr(text, doors[_i].says) != NULL, "%s", text);
    ck_assert_ptr_null(strstr(text, "a-secret-token"));
    free(text);
    json_decref(what);
    settings_destroy(&settings);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("up_words");
    TCase *tcase = suite_case(suite, "up_words", NULL, NULL);

    suite_rows(tcase, a_port_that_is_taken_is_told_with_its_program, families);
    suite_rows(tcase, a_terminal_is_told_where_to_go_and_how_to_log_in, doors);
    suite_tests(tcase, an_address_that_is_not_ours_is_told,
                what_is_no_address_or_any_port_is_left_to_the_bridge);
    return suite_run(suite);
}
