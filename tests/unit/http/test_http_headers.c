#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/headers.h"
#include "actors/http/intake/tune_fields.h"
#include "tests/support/suite.h"

static tm_err_t
key(const char *text, char *ret)
{
    return idempotency_key_parse(text, strlen(text), ret);
}

START_TEST(a_key_is_taken_bare_or_quoted)
{
    char got[IDEMPOTENCY_KEY_MAX + 1];

    ck_assert_int_eq(key("abc-1", got), TM_OK);
    ck_assert_str_eq(got, "abc-1");
    ck_assert_int_eq(key("  \"abc-1\" ", got), TM_OK);
    ck_assert_str_eq(got, "abc-1");
    ck_assert_int_eq(key("\"a\\\"b\\\\c\"", got), TM_OK);
    ck_assert_str_eq(got, "a\"b\\c");
    ck_assert_int_eq(key("\"abc\";x=1", got), TM_OK);
    ck_assert_str_eq(got, "abc");
}
END_TEST

START_TEST(a_key_that_is_none_is_refused)
{
    static const char *const wrong[] = {"",           " ",     "\"\"",     "\"a", "\"",
                                        "\"a\"b",     "\"a\\", "\"a\\b\"", "a b", "a\tb",
                                        "k\xc3\xa9y", "a\x7f", "\"a b\""};
    char got[IDEMPOTENCY_KEY_MAX + 1] = "before";

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(key(wrong[i], got) == TM_VALIDATION_FAILED, "%s was taken", wrong[i]);
    ck_assert_str_eq(got, "before");
}
END_TEST

START_TEST(a_key_has_at_most_200_characters)
{
    char text[300], got[IDEMPOTENCY_KEY_MAX + 1];

    memset(text, 'k', sizeof(text));
    ck_assert_int_eq(idempotency_key_parse(text, 200, got), TM_OK);
    ck_assert_uint_eq(strlen(got), 200);
    ck_assert_int_eq(idempotency_key_parse(text, 201, got), TM_IDEMPOTENCY_KEY_TOO_LONG);
    text[0] = '"';
    text[201] = '"';
    ck_assert_int_eq(idempotency_key_parse(text, 202, got), TM_OK);
}
END_TEST

START_TEST(an_etag_is_found_in_a_list)
{
    static const char *const lists[] = {"\"abc\"",
                                        "W/\"abc\"",
                                        "*",
                                        "\"x\",\"abc\"",
                                        " , \"x\" ,\t\"abc\" ,",
                                        "\"a,b\", W/\"abc\", \"c\""};
    static const char *const others[] = {"",         "abc",          "\"abc",     "\"ab\"",
                                         "\"abcd\"", "\"x, \"abc\"", "x \"abc\"", "**",
                                         "W/",       "W/*",          "w/\"abc\"", "\""};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        ck_assert_msg(etag_is_among(lists[i], "\"abc\""), "%s", lists[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!etag_is_among(others[i], "\"abc\""), "%s", others[i]);
}
END_TEST

START_TEST(two_headers_must_name_one_key)
{
    struct tune_key same = {0}, other = {0};

    tune_key_say(&same, "X-Idempotency-Key", "k");
    tune_key_say(&same, "Idempotency-Key", "\"k\"");
    ck_assert_int_eq(same.problem.err, TM_OK);
    ck_assert_str_eq(same.text, "k");
    tune_key_say(&other, "X-Idempotency-Key", "k");
    tune_key_say(&other, "Idempotency-Key", "m");
    ck_assert_int_eq(other.problem.err, TM_BAD_REQUEST);
}
END_TEST

static int64_t
prefer(const char *text)
{
    int64_t wait_ms = 777;

    prefer_parse(text, 60000, &wait_ms);
    return wait_ms;
}

START_TEST(prefer_says_how_long_to_wait)
{
    ck_assert_int_eq(prefer(NULL), 777);
    ck_assert_int_eq(prefer("return=minimal"), 777);
    ck_assert_int_eq(prefer("wait=3"), 3000);
    ck_assert_int_eq(prefer("return=minimal, Wait=4"), 4000);
    ck_assert_int_eq(prefer("wait=99999999999999999999999"), 60000);
    ck_assert_int_eq(prefer("wait=-1"), 777);
    ck_assert_int_eq(prefer("wait="), 777);
    ck_assert_int_eq(prefer("respond-async"), 0);
    ck_assert_int_eq(prefer("respond-async, wait=5"), 0);
    ck_assert_int_eq(prefer(",,;;,"), 777);
}
END_TEST

START_TEST(a_request_id_is_kept_only_if_sane)
{
    char longest[130];

    memset(longest, 'a', sizeof(longest));
    longest[128] = '\0';
    ck_assert(request_id_is_sane("aZ09._-"));
    ck_assert(request_id_is_sane(longest));
    longest[128] = 'a';
    longest[129] = '\0';
    ck_assert(!request_id_is_sane(longest));
    ck_assert(!request_id_is_sane(NULL));
    ck_assert(!request_id_is_sane(""));
    ck_assert(!request_id_is_sane("a b"));
    ck_assert(!request_id_is_sane("a\"b"));
}
END_TEST

START_TEST(a_content_length_is_digits_however_many)
{
    uint64_t value = 7;

    ck_assert(content_length_parse("0", &value));
    ck_assert_uint_eq(value, 0);
    ck_assert(content_length_parse("123456789012345678", &value));
    ck_assert_uint_eq(value, 123456789012345678);
    ck_assert(content_length_parse("18446744073709551616", &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    ck_assert(content_length_parse("200000000000000000000000000000", &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    ck_assert(!content_length_parse("12x", &value));
    ck_assert(!content_length_parse("-1", &value));
    ck_assert(!content_length_parse("", &value));
    ck_assert(!content_length_parse(NULL, &value));
}
END_TEST

static const char *
cookie(const char *text)
{
    static char value[64];
    tm_str_t found;

    if (!cookie_find(text, "id", &found))
        return "none";
    snprintf(value, sizeof(value), "%.*s", (int)found.size, found.data);
    return value;
}

START_TEST(a_cookie_is_found_by_its_name)
{
    ck_assert_str_eq(cookie("id=1"), "1");
    ck_assert_str_eq(cookie("a=b; id=1; id=2"), "1");
    ck_assert_str_eq(cookie(";; \t id \t= 1 2 ;"), "1 2");
    ck_assert_str_eq(cookie("id=\"1\""), "1");
    ck_assert_str_eq(cookie("id=\"1"), "\"1");
    ck_assert_str_eq(cookie("id=\""), "\"");
    ck_assert_str_eq(cookie("id=a=b"), "a=b");
    ck_assert_str_eq(cookie("id="), "");
    ck_assert_str_eq(cookie("id"), "none");
    ck_assert_str_eq(cookie("xid=1; id2=2; ID=3; i=id=4"), "none");
    ck_assert_str_eq(cookie(""), "none");
}
END_TEST

START_TEST(a_bearer_token_is_told_from_other_credentials)
{
    ck_assert(tm_str_is(bearer_token("Bearer abc"), "abc"));
    ck_assert(tm_str_is(bearer_token("bearer  abc\t"), "abc"));
    ck_assert_uint_eq(bearer_token("Bearer").size, 0);
    ck_assert_uint_eq(bearer_token("Bearer ").size, 0);
    ck_assert_uint_eq(bearer_token("Bearerabc").size, 0);
    ck_assert_uint_eq(bearer_token("Basic abc").size, 0);
    ck_assert_uint_eq(bearer_token("").size, 0);
    ck_assert_uint_eq(bearer_token(NULL).size, 0);
}
END_TEST

START_TEST(who_wants_a_page_more_than_json_gets_one)
{
    static const char *const pages[] = {
        "text/html", "TEXT/HTML , */*;q=0.8", "text/html;level=1;q=0.5,*/*;q=0.1",
        "application/json;q=0.8,text/html", "text/html;q=0.2, application/json;q=0, */*"};
    static const char *const others[] = {"",
                                         "*/*",
                                         "application/json",
                                         "text/html;q=0",
                                         "text/html, application/json",
                                         "text/html;q=0.5, */*",
                                         "text/html;q=0.5, application/*;q=0.6",
                                         "text/plain",
                                         "text/htmlx",
                                         ",;,q=,",
                                         "text/html;q=0.000"};

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        ck_assert_msg(accepts_html(pages[i]), "%s", pages[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!accepts_html(others[i]), "%s", others[i]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http headers");
    TCase *parsing = suite_case(suite, "parsing", NULL, NULL);

    suite_tests(parsing, a_key_is_taken_bare_or_quoted, a_key_that_is_none_is_refused,
                a_key_has_at_most_200_characters, two_headers_must_name_one_key,
                an_etag_is_found_in_a_list, prefer_says_how_long_to_wait,
                a_request_id_is_kept_only_if_sane, a_content_length_is_digits_however_many,
                a_cookie_is_found_by_its_name, a_bearer_token_is_told_from_other_credentials,
                who_wants_a_page_more_than_json_gets_one);
    return suite_run(suite);
}
