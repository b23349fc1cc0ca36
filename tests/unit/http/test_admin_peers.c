/* Where a request comes from, and which addresses are this server's own. */
#include "tests/unit/http/admin_peers.h"

#include <stdlib.h>
#include <string.h>

#include "actors/http/auth/admin_auth.h"
#include "actors/http/auth/authorize.h"
#include "tests/support/suite.h"

START_TEST(the_last_address_that_was_forwarded_is_the_proxys_own_client)
{
    static const char *const wrong[] = {"",          ",",   "unknown", "1.2.3",     "1.2.3.4,",
                                        "1.2.3.4 5", "::g", "[::1]",   "1.2.3.4:80"};
    char text[CLIENT_ADDRESS_TEXT];
    struct client_address self;

    ck_assert(client_address_parse_forwarded("6.6.6.6, 10.1.2.3 ", &self));
    ck_assert_str_eq(client_address_text(&self, text), "10.1.2.3");
    ck_assert(client_address_parse_forwarded("2001:db8::1", &self));
    ck_assert_str_eq(client_address_text(&self, text), "2001:db8::1");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(!client_address_parse_forwarded(wrong[i], &self), "%s", wrong[i]);
}
END_TEST

START_TEST(only_names_of_loopback_are_this_machine)
{
    static const char *const names[] = {"localhost",      "LocalHost:80", "127.0.0.1",
                                        "127.9.9.9:8080", "[::1]",        "[::1]:80"};
    static const char *const others[] = {"",
                                         ":80",
                                         "localhost.evil.example",
                                         "10.0.0.1",
                                         "127.0.0.1.evil.example",
                                         "[::2]",
                                         "::1",
                                         "xlocalhost",
                                         "0.0.0.0",
                                         "127.1"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_msg(client_address_is_loopback_name(names[i]), "%s", names[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!client_address_is_loopback_name(others[i]), "%s", others[i]);
}
END_TEST

START_TEST(only_an_address_of_this_server_is_followed)
{
    static const char *const own[] = {"/", "/a", "/admin/backtests/tunes?x=1&y=%2F", "/a//b"};
    static const char *const others[] = {"",
                                         "a",
                                         "//evil.example",
                                         "/\\evil.example",
                                         "\\/evil.example",
                                         "/\t/evil",
                                         "/a\r\nb: c",
                                         "https://evil.example",
                                         "javascript:alert(1)",
                                         " /a",
                                         "/a b",
                                         "/\x7f",
                                         "/\xc3\xa9",
                                         "http:/a",
                                         "/a\\b"};
    char longest[1100];

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        ck_assert_msg(authorize_is_own_address(own[i]), "%s", own[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!authorize_is_own_address(others[i]), "%s", others[i]);
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    ck_assert(!authorize_is_own_address(longest));
}
END_TEST

TCase *
admin_peers_case(void)
{
    TCase *tcase = case_new("peers", NULL, NULL);

    suite_tests(tcase, the_last_address_that_was_forwarded_is_the_proxys_own_client,
                only_names_of_loopback_are_this_machine,
                only_an_address_of_this_server_is_followed);
    return tcase;
}
