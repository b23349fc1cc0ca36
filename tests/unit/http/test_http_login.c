/* The login: its page, its forms, and where they lead. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/http/http_access.h"
#include "tests/support/suite.h"

/* --- pages -------------------------------------------------------------------------------- */

#define BROWSER "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

START_TEST(a_browser_is_led_to_the_login_and_back)
{
    access_ask("GET", CHECK, BROWSER, NULL, NULL);
    access_expect(303, "Location: /admin/login?next=%2Fadmin%2Fauth%2Fcheck\r\n");
    access_ask("GET", CHECK "?a=%22b%26c&d=//evil", BROWSER, "Cookie: admin_token=old", NULL);
    access_expect(
        303, "Location: /admin/login?next=%2Fadmin%2Fauth%2Fcheck%3Fa%3D%2522b%2526c%26d%3D"
             "%2F%2Fevil\r\n");
    access_ask("HEAD", CHECK, BROWSER, NULL, NULL);
    access_expect(303, "Location: /admin/login?next=");
    ck_assert_int_eq(access_ask("GET", CHECK, BROWSER, "X-Admin-Token: sesame", NULL)->status,
                     200);
}
END_TEST

START_TEST(a_program_gets_a_problem_and_so_does_a_change)
{
    ck_assert_int_eq(access_ask("GET", CHECK, "Accept: */*", NULL, NULL)->status, 401);
    ck_assert_int_eq(
        access_ask("GET", CHECK, "Accept: application/json, text/html;q=0.9", NULL, NULL)
            ->status,
        401);
    ck_assert_int_eq(access_ask("POST", TICKET, BROWSER, NULL, NULL)->status, 401);
}
END_TEST

START_TEST(an_address_too_long_to_come_back_to_is_left_out)
{
    char path[3000] = CHECK "?a=";

    memset(path + strlen(path), 'x', 1100);
    access_ask("GET", path, BROWSER, NULL, NULL);
    access_expect(303, "Location: /admin/login\r\n");
}
END_TEST

START_TEST(the_login_page_is_a_page_under_a_strict_policy)
{
    access_ask("GET", "/admin/login", NULL, NULL, NULL);
    access_expect(200, "Content-Type: text/html; charset=utf-8\r\n");
    access_expect(200, "Content-Security-Policy: default-src 'none'; script-src 'self'; ");
    access_expect(200, "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n");
    access_expect(200, "<label for=\"token\">");
    access_expect(200, "Cache-Control: no-store\r\n");
    access_expect_not("name=\"next\"");
    access_expect_not("default-src 'none'; frame-ancestors 'none'");
}
END_TEST

START_TEST(the_login_page_escapes_what_it_repeats)
{
    access_ask("GET", "/admin/login?next=/admin/%22%3E%3Cscript%3E%26%27", NULL, NULL, NULL);
    access_expect(200, "value=\"/admin/&quot;&gt;&lt;script&gt;&amp;&#39;\">");
    access_ask("GET", "/admin/login?next=//evil.example", NULL, NULL, NULL);
    access_expect(200, "<form");
    access_expect_not("evil");
}
END_TEST

/* --- logging in --------------------------------------------------------------------------- */

START_TEST(a_form_with_the_token_gets_the_cookie_and_goes_on)
{
    access_send(FORM, NULL, "token=sesame&next=%2Fadmin%2Fqueues%3Fa%3Db");
    access_expect(303, "Set-Cookie: admin_token=sesame; HttpOnly; SameSite=Lax; Path=/\r\n");
    access_expect(303, "Location: /admin/queues?a=b\r\n");
    access_send(FORM, NULL, "token=sesame");
    access_expect(303, "Location: /admin/backtests/tunes\r\n");
    access_send(FORM "; charset=UTF-8", "X-Forwarded-Proto: https", "token=sesame");
    access_expect(303, "Path=/; Secure\r\n");
}
END_TEST

START_TEST(a_program_logs_in_with_json)
{
    access_send(JSON, NULL, "{\"token\":\"sesame\"}");
    access_expect(200, "{\"ok\":true}");
    access_expect(200, "Set-Cookie: admin_token=sesame; HttpOnly; SameSite=Lax; Path=/\r\n");
    access_send(JSON, NULL, "{\"token\":\"x\"}");
    access_expect(403, "\"code\":\"FORBIDDEN\"");
    access_expect_not("Set-Cookie");
    access_send(JSON, NULL, "{\"token\":7}");
    access_expect(422, "body.token");
    access_send(JSON, NULL, "{}");
    access_expect(422, "body.token");
    access_send(JSON, NULL, "{\"token\":\"sesame\",\"nxt\":\"/a\"}");
    access_expect(422, "UNKNOWN_FIELD");
    access_expect(422, "did you mean next?");
    access_expect_not("Set-Cookie");
    access_send(FORM, NULL, "token=sesame&nxt=/a");
    access_expect(422, "did you mean next?");
    access_expect_not("Set-Cookie");
}
END_TEST

START_TEST(a_form_with_a_wrong_token_gets_the_page_again)
{
    access_send(FORM, NULL, "token=%3Cb%3E&next=/admin/queues");
    access_expect(403, "role=\"alert\"");
    access_expect(403, "the admin token is wrong");
    access_expect(403, "name=\"next\" value=\"/admin/queues\"");
    access_expect_not("Set-Cookie");
    access_expect_not("<b>");
    access_send(FORM, NULL, "token=&next=/a");
    access_expect(422, "the admin token is missing");
    access_send(FORM, "Cookie: admin_token=sesame", "next=/a");
    access_expect(422, "the admin token is missing");
}
END_TEST

START_TEST(no_login_leads_elsewhere)
{
    static const char *const forms[] = {"token=sesame&next=//evil.example",
                                        "token=sesame&next=/%5Cevil.example",
                                        "token=sesame&next=https://evil.example",
                                        "token=sesame&next=/%09/evil.example",
                                        "token=sesame&next=%2F%0D%0ASet-Cookie:%20a=b",
                                        "token=sesame&next=javascript:alert(1)",
                                        "token=sesame&next="};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        access_send(FORM, NULL, forms[i]);
        access_expect(303, "Location: /admin/backtests/tunes\r\n");
        access_expect_not("evil");
    }
}
END_TEST

START_TEST(a_body_that_is_no_form_is_refused)
{
    access_send("Content-Type: text/plain", NULL, "token=sesame");
    access_expect(415, "UNSUPPORTED_MEDIA_TYPE");
    access_send("Content-Type:", NULL, "token=sesame");
    access_expect(415, "UNSUPPORTED_MEDIA_TYPE");
    access_send(JSON, NULL, "[\"sesame\"]");
    access_expect(400, "BAD_REQUEST");
    access_send(JSON, NULL, "{\"token\":\"sesame\"");
    access_expect(400, "BAD_REQUEST");
    access_send(FORM, NULL, "token=sesame&token=x");
    access_expect(400, "BAD_REQUEST");
    access_send(FORM, NULL, "token=%ff");
    access_expect(400, "BAD_REQUEST");
}
END_TEST

START_TEST(a_body_over_64_kib_is_too_large_however_it_comes)
{
    char *body = calloc(1, 130001);

    memset(body, 'a', 130000);
    access_send(FORM, "Transfer-Encoding: chunked", body);
    access_expect(413, "TOO_LARGE");
    access_send(FORM, NULL, body);
    access_expect(413, "TOO_LARGE");
    memcpy(body, "token=x", 7);
    body[65536] = '\0';
    ck_assert_int_eq(access_send(FORM, NULL, body)->status, 403);
    ck_assert_int_eq(access_send(FORM, "Transfer-Encoding: chunked", body)->status, 403);
    free(body);
}
END_TEST

START_TEST(logging_out_forgets_the_cookie)
{
    access_ask("GET", "/admin/auth/logout", "Cookie: admin_token=sesame", NULL, NULL);
    access_expect(303,
                  "Set-Cookie: admin_token=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0\r\n");
    access_expect(303, "Location: /admin/login\r\n");
}
END_TEST

void
http_login_add(TCase *tcase)
{
    suite_tests(
        tcase, a_browser_is_led_to_the_login_and_back,
        a_program_gets_a_problem_and_so_does_a_change,
        an_address_too_long_to_come_back_to_is_left_out,
        the_login_page_is_a_page_under_a_strict_policy, the_login_page_escapes_what_it_repeats,
        a_form_with_the_token_gets_the_cookie_and_goes_on, a_program_logs_in_with_json,
        a_form_with_a_wrong_token_gets_the_page_again, no_login_leads_elsewhere,
        a_body_that_is_no_form_is_refused, a_body_over_64_kib_is_too_large_however_it_comes,
        logging_out_forgets_the_cookie);
}
