/* A real http process without database and broker: what it answers on its own, what it refuses,
 * and how it ends. */
#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/http/http.h"
#include "actors/http/core/server.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "tests/support/suite.h"
#include "tests/unit/http/http_server_help.h"

/* A real http process without database and broker: what it answers on its own, what it refuses,
 * and how it ends. */
#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/http/http.h"
#include "actors/http/core/server.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "tests/support/suite.h"

/* --- what it answers on its own ----------------------------------------------------------- */

START_TEST(health_is_ok_whatever_else_is_down)
{
    struct answer answer;

    get("/health", NULL, &answer);
    expect(&answer, 200, "\"status\":\"ok\"");
    expect(&answer, 200, "X-Content-Type-Options: nosniff");
    expect(&answer, 200, "X-Frame-Options: DENY");
}
END_TEST

START_TEST(ready_names_what_is_down)
{
    struct answer answer;

    get("/ready", NULL, &answer);
    expect(&answer, 503, "Retry-After: 1");
    expect(&answer, 503, "\"loc\":\"database\"");
    expect(&answer, 503, "\"loc\":\"broker\"");
}
END_TEST

START_TEST(reading_without_a_database_is_unavailable)
{
    struct answer answer;

    get("/backtests/tunes", NULL, &answer);
    expect(&answer, 503, "STORE_DOWN");
    expect(&answer, 503, "Retry-After: 1");
}
END_TEST

START_TEST(a_sane_request_id_comes_back)
{
    struct answer answer;

    get("/health", "X-Request-Id: mine-1", &answer);
    expect(&answer, 200, "X-Request-Id: mine-1");
    get("/health", "X-Request-Id: not a sane one", &answer);
    ck_assert_ptr_null(strstr(answer.text, "not a sane one"));
    expect(&answer, 200, "X-Request-Id: ");
}
END_TEST

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

/* The answer's span is the server's own. */
START_TEST(a_trace_goes_on)
{
    struct answer answer;

    get("/health", "traceparent: 00-" TRACE "-00f067aa0ba902b7-01", &answer);
    expect(&answer, 200, "traceparent: 00-" TRACE "-");
    ck_assert_ptr_null(strstr(answer.text, "00f067aa0ba902b7"));
}
END_TEST

static const char *const no_traces[] = {
    "traceparent: 00-" TRACE "-00f067aa0ba902b7-01\r\n"
    "traceparent: 00-" TRACE "-00f067aa0ba902b7-01",
    "traceparent: ff-" TRACE "-00f067aa0ba902b7-01",
    "traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "traceparent: ",
};

START_TEST(two_traces_or_a_wrong_one_begin_another)
{
    struct answer answer;

    get("/health", no_traces[_i], &answer);
    expect(&answer, 200, "traceparent: 00-");
    ck_assert_ptr_null(strstr(answer.text, TRACE));
    ck_assert_ptr_null(strstr(answer.text, "traceparent: 00-00000000000000000"));
}
END_TEST

START_TEST(a_problem_has_the_traces_id)
{
    struct answer answer;

    get("/nowhere", "traceparent: 00-" TRACE "-00f067aa0ba902b7-00", &answer);
    expect(&answer, 404, "\"trace_id\":\"" TRACE "\"");
}
END_TEST

START_TEST(a_proxy_with_tls_gets_hsts)
{
    struct answer answer;

    get("/health", "X-Forwarded-Proto: https", &answer);
    expect(&answer, 200, "Strict-Transport-Security: max-age=");
    get("/health", NULL, &answer);
    ck_assert_ptr_null(strstr(answer.text, "Strict-Transport-Security"));
}
END_TEST

START_TEST(refusals_are_problems)
{
    struct answer answer;

    get("/nowhere", NULL, &answer);
    expect(&answer, 404, "application/problem+json");
    get("/backtests/tune", NULL, &answer);
    expect(&answer, 405, "Allow: POST");
    get("/backtests/tunes/x", NULL, &answer);
    expect(&answer, 422, "path.id");
    get("/backtests/tunes?limit=0", NULL, &answer);
    expect(&answer, 422, "query.limit");
    get("/backtests/tunes?workspace_id=x", NULL, &answer);
    expect(&answer, 422, "query.workspace_id");
}
END_TEST

START_TEST(head_has_headers_and_no_body)
{
    struct answer answer;
    CURL *curl = prepare("/health", &answer);

    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    perform(curl, &answer);
    expect(&answer, 200, "Content-Length: ");
    ck_assert_ptr_null(strstr(answer.text, "\"status\""));
}
END_TEST

/* --- uploads ------------------------------------------------------------------------------ */

START_TEST(another_content_type_is_refused)
{
    struct answer answer;
    CURL *curl = prepare("/backtests/tune", &answer);

    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "a=b");
    perform(curl, &answer);
    expect(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
}
END_TEST

START_TEST(a_body_that_ends_in_a_part_is_refused)
{
    struct answer answer;
    CURL *curl = prepare("/backtests/tune", &answer);
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: multipart/form-data; boundary=edge");

    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                     "--edge\r\nContent-Disposition: form-data; name=\"seed\"\r\n\r\n12");
    perform(curl, &answer);
    expect(&answer, 400, "BAD_REQUEST");
    curl_slist_free_all(headers);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    struct answer answer;

    post("X-Test: 1", 0, &answer);
    expect(&answer, 422, "\"loc\":\"body.file\"");
}
END_TEST

START_TEST(a_file_too_large_is_refused_by_its_stated_size)
{
    struct answer answer;

    post("X-Test: 1", 8 << 20, &answer);
    expect(&answer, 413, "FILE_TOO_LARGE");
}
END_TEST

START_TEST(a_file_too_large_is_refused_by_its_counted_size)
{
    struct answer answer;

    post("Transfer-Encoding: chunked", (1 << 20) + 1, &answer);
    expect(&answer, 413, "FILE_TOO_LARGE");
}
END_TEST

START_TEST(a_key_too_long_is_refused)
{
    char header[300] = "X-Idempotency-Key: ";
    struct answer answer;

    memset(header + strlen(header), 'k', 201);
    post(header, 10, &answer);
    expect(&answer, 422, "IDEMPOTENCY_KEY_TOO_LONG");
}
END_TEST

START_TEST(a_tune_without_a_database_is_unavailable)
{
    struct answer answer;

    post("X-Test: 1", 10, &answer);
    expect(&answer, 503, "STORE_DOWN");
}
END_TEST

/* --- clients of bad manners --------------------------------------------------------------- */

static int
connect_raw(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    in.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

/* Asks until the status is as expected; the test's own time-out is the limit. */
static void
get_until(const char *path, long status)
{
    struct answer answer;

    do {
        get(path, NULL, &answer);
    } while (answer.status != status);
}

static const char upload_begun[] =
    "POST /backtests/tune HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n"
    "Content-Type: multipart/form-data; boundary=edge\r\n\r\n--edge\r\n";

static void
post_until(long status)
{
    struct answer answer;

    do {
        post("X-Test: 1", 0, &answer);
    } while (answer.status != status);
}

START_TEST(an_upload_more_than_allowed_is_busy_until_the_other_leaves)
{
    int fd = connect_raw(upload_begun);

    post_until(503); /* once the server has read it */
    close(fd);
    post_until(422); /* its place is free again */
}
END_TEST

START_TEST(connections_over_the_limit_are_told_so)
{
    int fds[20];

    for (size_t i = 0; i < 20; i++)
        fds[i] = connect_raw("GET /health HTTP/1.1\r\n");
    get_until("/health", 503);
    for (size_t i = 0; i < 20; i++)
        close(fds[i]);
    get_until("/health", 200);
}
END_TEST

START_TEST(what_is_no_http_is_refused_and_harms_nobody)
{
    char text[100];
    int fd = connect_raw("\x16\x03\x01 nonsense\r\n\r\n");

    while (read(fd, text, sizeof(text)) > 0) /* until it is closed */
        ;
    close(fd);
    get_until("/health", 200);
}
END_TEST

START_TEST(it_ends_with_an_upload_under_way)
{
    int fd = connect_raw(upload_begun);

    post_until(503);
    stop(); /* which fails the test unless it ends well */
    close(fd);
    start();
}
END_TEST

/* --- addresses ---------------------------------------------------------------------------- */

START_TEST(a_listen_address_is_split)
{
    char host[64], port[8];

    ck_assert(server_split_address("127.0.0.1:80", host, sizeof(host), port, sizeof(port)));
    ck_assert_str_eq(host, "127.0.0.1");
    ck_assert_str_eq(port, "80");
    ck_assert(server_split_address("[::1]:0", host, sizeof(host), port, sizeof(port)));
    ck_assert_str_eq(host, "::1");
    ck_assert(!server_split_address("127.0.0.1", host, sizeof(host), port, sizeof(port)));
    ck_assert(!server_split_address("::1:80", host, sizeof(host), port, sizeof(port)));
    ck_assert(!server_split_address(":80", host, sizeof(host), port, sizeof(port)));
    ck_assert(!server_split_address("h:", host, sizeof(host), port, sizeof(port)));
    ck_assert(!server_split_address("h:65536", host, sizeof(host), port, sizeof(port)));
    ck_assert(!server_split_address("[]:80", host, sizeof(host), port, sizeof(port)));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http server");
    TCase *server = suite_case(suite, "server", start, stop),
          *pure = suite_case(suite, "pure", NULL, NULL);

    suite_tests(server, health_is_ok_whatever_else_is_down, ready_names_what_is_down,
                reading_without_a_database_is_unavailable, a_sane_request_id_comes_back,
                a_trace_goes_on);
    suite_rows(server, two_traces_or_a_wrong_one_begin_another, no_traces);
    suite_tests(server, a_problem_has_the_traces_id, a_proxy_with_tls_gets_hsts,
                refusals_are_problems, head_has_headers_and_no_body,
                another_content_type_is_refused, a_body_that_ends_in_a_part_is_refused,
                a_missing_file_is_named, a_file_too_large_is_refused_by_its_stated_size,
                a_file_too_large_is_refused_by_its_counted_size, a_key_too_long_is_refused,
                a_tune_without_a_database_is_unavailable,
                an_upload_more_than_allowed_is_busy_until_the_other_leaves,
                connections_over_the_limit_are_told_so,
                what_is_no_http_is_refused_and_harms_nobody, it_ends_with_an_upload_under_way);
    suite_tests(pure, a_listen_address_is_split);
    return suite_run(suite);
}
