/* A real bridge without a database: what opens /admin, and what does not. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/http.h"
#include "tests/unit/http/http_access.h"
#include "tests/support/suite.h"

struct reads_world access_world;

static void
start_closed(void)
{
    static const char *const settings[] = {NULL};

    reads_world_init_bare(&access_world, settings);
}

static void
start_local(void)
{
    static const char *const settings[] = {"http.allow_localhost_admin=true", NULL};

    reads_world_init_bare(&access_world, settings);
}

static void
start(void)
{
    static const char *const settings[] = {"http.admin_token=" READS_TOKEN, NULL};

    reads_world_init_bare(&access_world, settings);
}

static void
stop(void)
{
    reads_world_fini(&access_world);
}

/* --- asking ------------------------------------------------------------------------------- */

struct reads_answer access_answer;

static void
forget(void)
{
    reads_answer_fini(&access_answer);
    memset(&access_answer, 0, sizeof(access_answer));
}

const struct reads_answer *
access_ask(const char *method, const char *path, const char *first, const char *second,
           const char *third)
{
    const char *const headers[] = {first, first ? second : NULL, second ? third : NULL, NULL};

    forget();
    reads_ask(&access_world, method, path, headers, &access_answer);
    return &access_answer;
}

static long
check(const char *header)
{
    return access_ask("GET", CHECK, header, NULL, NULL)->status;
}

const struct reads_answer *
access_send(const char *type, const char *more, const char *body)
{
    const char *const headers[] = {type, more, NULL};

    forget();
    reads_send(&access_world, "POST", LOGIN, headers, body, &access_answer);
    return &access_answer;
}

void
access_expect(long status, const char *text)
{
    ck_assert_msg(access_answer.status == status, "%ld: %s%s", access_answer.status,
                  access_answer.head, access_answer.body);
    ck_assert_msg(strstr(access_answer.head, text) || strstr(access_answer.body, text),
                  "no %s in %s%s", text, access_answer.head, access_answer.body);
}

void
access_expect_not(const char *text)
{
    ck_assert_msg(!strstr(access_answer.head, text) && !strstr(access_answer.body, text),
                  "%s in %s%s", text, access_answer.head, access_answer.body);
}

/* --- the token and its carriers ----------------------------------------------------------- */

START_TEST(nothing_sent_is_told_what_to_send)
{
    check(NULL);
    access_expect(401, "\"code\":\"UNAUTHORIZED\"");
    access_expect(401, "WWW-Authenticate: Bearer realm=\"tunemill\"\r\n");
    ck_assert_int_eq(check("X-Admin-Token;"), 401);
    ck_assert_int_eq(check("Authorization: Bearer "), 401);
    ck_assert_int_eq(check("Authorization: Basic c2VzYW1l"), 401);
    ck_assert_int_eq(check("Cookie: admin_token="), 401);
    ck_assert_int_eq(check("Cookie: admin_token=\"\""), 401);
}
END_TEST

START_TEST(a_wrong_token_is_forbidden_and_not_repeated)
{
    check("X-Admin-Token: sesam");
    access_expect(403, "\"code\":\"FORBIDDEN\"");
    access_expect_not("sesam");
    access_expect_not("WWW-Authenticate");
    ck_assert_int_eq(check("X-Admin-Token: sesame1"), 403);
    ck_assert_int_eq(check("X-Admin-Token: SESAME"), 403);
    ck_assert_int_eq(check("Authorization: Bearer sesam"), 403);
    ck_assert_int_eq(check("Authorization: Bearer sesame x"), 403);
    ck_assert_int_eq(check("Cookie: admin_token=x"), 403);
}
END_TEST

START_TEST(each_carrier_opens)
{
    check("X-Admin-Token: sesame");
    access_expect(200, "{\"ok\":true}");
    ck_assert_int_eq(check("x-admin-token: \t sesame "), 200);
    ck_assert_int_eq(check("Authorization: Bearer sesame"), 200);
    ck_assert_int_eq(check("authorization: bEARER   sesame"), 200);
    ck_assert_int_eq(check("Cookie: admin_token=sesame"), 200);
}
END_TEST

START_TEST(a_header_decides_before_a_cookie)
{
    ck_assert_int_eq(access_ask("GET", CHECK, "X-Admin-Token: sesame",
                                "Authorization: Bearer x", "Cookie: admin_token=x")
                         ->status,
                     200);
    ck_assert_int_eq(
        access_ask("GET", CHECK, "X-Admin-Token: x", "Authorization: Bearer sesame", NULL)
            ->status,
        403);
    ck_assert_int_eq(
        access_ask("GET", CHECK, "Authorization: Bearer x", "Cookie: admin_token=sesame", NULL)
            ->status,
        403);
    ck_assert_int_eq(
        access_ask("GET", CHECK, "X-Admin-Token;", "Cookie: admin_token=sesame", NULL)->status,
        200);
}
END_TEST

START_TEST(a_cookie_is_found_among_others_by_its_whole_name)
{
    static const char *const right[] = {"Cookie: a=b; admin_token=sesame; c=d",
                                        "Cookie: a=b;admin_token=sesame",
                                        "Cookie: admin_token=\"sesame\"",
                                        "Cookie:  ; ;; admin_token = sesame ;",
                                        "Cookie: a; admin_token=sesame",
                                        "Cookie: a=\"x; admin_token=sesame; y\"",
                                        "Cookie: admin_token=sesame; admin_token=x"};
    static const char *const missing[] = {"Cookie: xadmin_token=sesame",
                                          "Cookie: admin_token2=sesame",
                                          "Cookie: admin_tokensesame",
                                          "Cookie: Admin_Token=sesame",
                                          "Cookie: admin_token",
                                          "Cookie: a=admin_token=sesame",
                                          "Cookie: __Host-admin_token=sesame"};

    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        ck_assert_msg(check(right[i]) == 200, "%s", right[i]);
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
        ck_assert_msg(check(missing[i]) == 401, "%s", missing[i]);
    ck_assert_int_eq(check("Cookie: admin_token=x; admin_token=sesame"), 403);
    ck_assert_int_eq(
        access_ask("GET", CHECK, "Cookie: a=b", "Cookie: admin_token=sesame", NULL)->status,
        200);
}
END_TEST

START_TEST(who_asks_is_settled_before_what_is_wrong_with_it)
{
    ck_assert_int_eq(access_ask("POST", TICKET "?workspace_id=x", NULL, NULL, NULL)->status,
                     401);
    access_ask("POST", TICKET "?workspace_id=x", "X-Admin-Token: sesame", NULL, NULL);
    access_expect(422, "query.workspace_id");
    access_ask("POST", TICKET "?workspace_id=" READS_WORKSPACE, "X-Admin-Token: sesame",
               "X-Workspace-Id: 00000000-0000-0000-0000-000000000002", NULL);
    access_expect(400, "WORKSPACE_MISMATCH");
}
END_TEST

START_TEST(what_is_not_admin_asks_for_nothing)
{
    ck_assert_int_eq(access_ask("GET", "/health", "X-Admin-Token: x", NULL, NULL)->status, 200);
    ck_assert_int_eq(access_ask("GET", "/admin/nowhere", NULL, NULL, NULL)->status, 404);
    access_ask("DELETE", CHECK, NULL, NULL, NULL);
    access_expect(405, "Allow: GET, HEAD");
}
END_TEST

/* --- without a token ---------------------------------------------------------------------- */

START_TEST(while_no_token_is_set_all_is_closed)
{
    check(NULL);
    access_expect(403, "no admin token is set");
    ck_assert_int_eq(check("X-Admin-Token;"), 403);
    ck_assert_int_eq(check("X-Admin-Token: x"), 403);
    ck_assert_int_eq(check("Cookie: admin_token="), 403);
    access_send(FORM, NULL, "token=x");
    access_expect(403, "no admin token is set");
    access_send(FORM, NULL, "token=");
    access_expect(403, "no admin token is set");
    access_expect_not("Set-Cookie");
}
END_TEST

START_TEST(this_machine_is_let_in_where_the_settings_say_so)
{
    ck_assert_int_eq(check(NULL), 200);
    ck_assert_int_eq(check("Host: localhost"), 200);
    ck_assert_int_eq(check("Host: [::1]:8080"), 200);
    access_ask("POST", TICKET, NULL, NULL, NULL);
    access_expect(200, "\"workspace_id\":null");
    access_send(FORM, NULL, "token=x");
    access_expect(303, "Location: /admin/backtests/tunes");
    access_expect_not("Set-Cookie");
}
END_TEST

START_TEST(behind_a_proxy_nobody_is_this_machine)
{
    static const char *const headers[] = {"X-Forwarded-For: 127.0.0.1",
                                          "Forwarded: for=127.0.0.1",
                                          "X-Real-IP: 127.0.0.1",
                                          "X-Forwarded-Host: x",
                                          "X-Forwarded-Proto: http",
                                          "Via: 1.1 proxy",
                                          "x-real-ip;",
                                          "CF-Connecting-IP: 1.1.1.1"};

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        ck_assert_msg(check(headers[i]) == 403, "%s", headers[i]);
}
END_TEST

START_TEST(a_foreign_name_or_page_is_not_this_machine)
{
    ck_assert_int_eq(check("Host: evil.example:8080"), 403);
    ck_assert_int_eq(check("Host: localhost.evil.example"), 403);
    ck_assert_int_eq(
        access_ask("POST", TICKET, "Origin: https://evil.example", NULL, NULL)->status, 403);
    ck_assert_int_eq(
        access_ask("POST", TICKET, "Sec-Fetch-Site: cross-site", NULL, NULL)->status, 403);
}
END_TEST

START_TEST(production_does_not_start_without_a_token)
{
    settings_t *settings = settings_new();
    char detail[200];

    ck_assert_int_eq(
        settings_set(settings, "system.profile=production", detail, sizeof(detail)), TM_OK);
    ck_assert_int_eq(service_run(&http_service, &(struct service_options){.settings = settings,
                                                                          .ready_fd = -1}),
                     TM_BAD_SETTING);
    ck_assert_int_eq(
        settings_set(settings, "system.profile=development", detail, sizeof(detail)), TM_OK);
    ck_assert_int_eq(settings_set(settings, "http.admin_token=a b", detail, sizeof(detail)),
                     TM_OK);
    ck_assert_int_eq(service_run(&http_service, &(struct service_options){.settings = settings,
                                                                          .ready_fd = -1}),
                     TM_BAD_SETTING);
    settings_destroy(&settings);
}
END_TEST

/* --- other people's pages ----------------------------------------------------------------- */

START_TEST(a_cookie_changes_nothing_for_a_page_of_another_site)
{
    static const char *const foreign[] = {"Sec-Fetch-Site: cross-site",
                                          "Sec-Fetch-Site: same-site",
                                          "Sec-Fetch-Site: x",
                                          "Origin: https://evil.example",
                                          "Origin: null",
                                          "Origin: ftp://127.0.0.1"};
    static const char *const own[] = {"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none",
                                      "Accept: */*"};
    char origin[100];

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        access_ask("POST", TICKET, "Cookie: admin_token=sesame", foreign[i], NULL);
        access_expect(403, "a page of another site");
        access_ask("POST", TICKET, "X-Admin-Token: sesame", foreign[i], NULL);
        access_expect(200, "expires_at");
        ck_assert_int_eq(
            access_ask("GET", CHECK, "Cookie: admin_token=sesame", foreign[i], NULL)->status,
            200);
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        ck_assert_int_eq(
            access_ask("POST", TICKET, "Cookie: admin_token=sesame", own[i], NULL)->status,
            200);
    snprintf(origin, sizeof(origin), "Origin: http://%s", access_world.address);
    ck_assert_int_eq(
        access_ask("POST", TICKET, "Cookie: admin_token=sesame", origin, NULL)->status, 200);
    snprintf(origin, sizeof(origin), "Origin: http://%s.evil.example", access_world.address);
    ck_assert_int_eq(
        access_ask("POST", TICKET, "Cookie: admin_token=sesame", origin, NULL)->status, 403);
}
END_TEST

START_TEST(a_page_of_another_site_cannot_try_tokens)
{
    for (int i = 0; i < 12; i++) {
        access_send(FORM, "Origin: https://evil.example", "token=x");
        access_expect(403, "a page of another site");
    }
    access_send(FORM, "Origin: https://evil.example", "token=sesame");
    access_expect(403, "a page of another site");
    ck_assert_int_eq(access_send(FORM, NULL, "token=sesame")->status, 303);
}
END_TEST

/* --- the brake ---------------------------------------------------------------------------- */

START_TEST(after_ten_wrong_tokens_even_the_right_one_has_to_wait)
{
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(access_send(FORM, NULL, "token=x")->status, 403);
        ck_assert_int_eq(check("X-Admin-Token: y"), 403);
    }
    access_send(FORM, NULL, "token=sesame");
    access_expect(429, "Retry-After: ");
    access_expect(429, "too many wrong admin tokens");
    access_expect_not("Set-Cookie");
    access_send(JSON, NULL, "{\"token\":\"sesame\"}");
    access_expect(429, "\"code\":\"RATE_LIMITED\"");
    check("X-Admin-Token: sesame");
    access_expect(429, "Retry-After: ");
    ck_assert_int_eq(access_ask("GET", "/health", NULL, NULL, NULL)->status, 200);
}
END_TEST

START_TEST(a_proxy_on_this_machine_says_whom_to_brake)
{
    for (int i = 0; i < 11; i++)
        access_ask("GET", CHECK, "X-Admin-Token: x", "X-Forwarded-For: 8.8.8.8, 10.0.0.1",
                   NULL);
    access_expect(429, "Retry-After: ");
    access_ask("GET", CHECK, "X-Admin-Token: x", "X-Forwarded-For: 10.0.0.1, 8.8.8.8", NULL);
    access_expect(403, "FORBIDDEN");
    ck_assert_int_eq(check("X-Admin-Token: sesame"), 200);
}
END_TEST

/* --- tickets ------------------------------------------------------------------------------ */

START_TEST(a_ticket_comes_as_a_cookie_of_the_stream_alone)
{
    access_ask("POST", TICKET "?workspace_id=" READS_WORKSPACE, "X-Admin-Token: sesame",
               "X-Forwarded-Proto: https", NULL);
    access_expect(200, "\"workspace_id\":\"" READS_WORKSPACE "\"");
    access_expect(200, "Set-Cookie: sse_ticket=v1.");
    access_expect(200,
                  "; HttpOnly; SameSite=Strict; Path=/admin/events; Max-Age=300; Secure\r\n");
    ck_assert_uint_eq(
        strlen(json_string_value(json_object_get(access_answer.json, "expires_at"))),
        strlen("2026-11-24T05:00:00.000Z"));
    access_ask("POST", TICKET, "X-Admin-Token: sesame", NULL, NULL);
    access_expect(200, "\"workspace_id\":null");
    access_expect(200, "Max-Age=300\r\n");
}
END_TEST

static void
add_token(TCase *tcase)
{
    suite_tests(
        tcase, nothing_sent_is_told_what_to_send, a_wrong_token_is_forbidden_and_not_repeated,
        each_carrier_opens, a_header_decides_before_a_cookie,
        a_cookie_is_found_among_others_by_its_whole_name,
        who_asks_is_settled_before_what_is_wrong_with_it, what_is_not_admin_asks_for_nothing,
        a_cookie_changes_nothing_for_a_page_of_another_site,
        a_page_of_another_site_cannot_try_tokens,
        after_ten_wrong_tokens_even_the_right_one_has_to_wait,
        a_proxy_on_this_machine_says_whom_to_brake,
        a_ticket_comes_as_a_cookie_of_the_stream_alone);
}

static TCase *
add_case(Suite *suite, const char *name, void (*setup)(void))
{
    TCase *tcase = suite_case(suite, name, NULL, NULL);

    tcase_add_checked_fixture(tcase, NULL, forget);
    if (setup)
        tcase_add_checked_fixture(tcase, setup, stop);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("http access");
    TCase *open = add_case(suite, "token", start), *closed, *local;

    add_token(open);
    http_login_add(open);
    closed = add_case(suite, "closed", start_closed);
    suite_tests(closed, while_no_token_is_set_all_is_closed);
    local = add_case(suite, "local", start_local);
    suite_tests(local, this_machine_is_let_in_where_the_settings_say_so,
                behind_a_proxy_nobody_is_this_machine,
                a_foreign_name_or_page_is_not_this_machine);
    tcase_add_test(add_case(suite, "settings", NULL),
                   production_does_not_start_without_a_token);
    return suite_run(suite);
}
