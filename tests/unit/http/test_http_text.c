/* Small bodies, and texts that grow into pages. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/html.h"
#include "actors/http/core/json_body.h"
#include "actors/kit/util/auto.h"
#include "tests/support/suite.h"

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"

/* --- fields ------------------------------------------------------------------------------- */

static json_t *
read_body(const char *type, const char *text)
{
    struct problem problem = {0};
    json_t *body = json_body_or_form(type, text, strlen(text), &problem);

    ck_assert_msg(body && !problem.err, "%s: %s", text, problem.detail);
    return body;
}

static const char *
text_in(const json_t *body, const char *name)
{
    return json_string_value(json_object_get(body, name));
}

static tm_err_t
refusal(const char *type, const char *text, size_t size)
{
    struct problem problem = {0};

    ck_assert_msg(!json_body_or_form(type, text, size, &problem), "%s: %s was taken", type,
                  text);
    return problem.err;
}

START_TEST(a_form_is_decoded_field_by_field)
{
    tm_auto(json) fields =
        read_body(FORM "; charset=utf-8", "a=1&b=x+y%2B%26&&c&d=&%65=%C3%A9&f==&g=%00");

    ck_assert_str_eq(text_in(fields, "a"), "1");
    ck_assert_str_eq(text_in(fields, "b"), "x y+&");
    ck_assert_str_eq(text_in(fields, "c"), "");
    ck_assert_str_eq(text_in(fields, "d"), "");
    ck_assert_str_eq(text_in(fields, "e"), "\xc3\xa9");
    ck_assert_str_eq(text_in(fields, "f"), "=");
    ck_assert_str_eq(text_in(fields, "g"), "%00");
    ck_assert_ptr_null(text_in(fields, "h"));
}
END_TEST

START_TEST(an_empty_form_has_no_fields)
{
    tm_auto(json) fields = read_body(FORM, "");

    ck_assert_ptr_null(text_in(fields, ""));
}
END_TEST

START_TEST(the_texts_of_a_json_object_are_fields)
{
    tm_auto(json) fields =
        read_body("Application/JSON;charset=utf-8", "{\"a\":\"\\u00e9\",\"b\":1,\"c\":null}");

    ck_assert_str_eq(text_in(fields, "a"), "\xc3\xa9");
    ck_assert_ptr_null(text_in(fields, "b"));
    ck_assert_ptr_null(text_in(fields, "c"));
}
END_TEST

START_TEST(what_is_neither_is_refused)
{
    static const char *const bad_json[] = {
        "",    "[]",  "\"a\"", "{", "{\"a\":\"\\u0000\"}", "{\"a\":\"1\",\"a\":\"2\"}",
        "{}x", "\xff"};
    static const char *const bad_form[] = {"a=1&a=2", "a=%FF", "\xff=1", "a&a", "a=1&%61=2"};

    for (size_t i = 0; i < sizeof(bad_json) / sizeof(bad_json[0]); i++)
        ck_assert_int_eq(refusal(JSON, bad_json[i], strlen(bad_json[i])), TM_BAD_REQUEST);
    for (size_t i = 0; i < sizeof(bad_form) / sizeof(bad_form[0]); i++)
        ck_assert_int_eq(refusal(FORM, bad_form[i], strlen(bad_form[i])), TM_BAD_REQUEST);
    ck_assert_int_eq(refusal(FORM, "a=\0b", 4), TM_BAD_REQUEST);
    ck_assert_int_eq(refusal(NULL, "a=1", 3), TM_UNSUPPORTED_MEDIA_TYPE);
    ck_assert_int_eq(refusal("", "a=1", 3), TM_UNSUPPORTED_MEDIA_TYPE);
    ck_assert_int_eq(refusal("application/jsonx", "{}", 2), TM_UNSUPPORTED_MEDIA_TYPE);
    ck_assert_int_eq(refusal("multipart/form-data", "a=1", 3), TM_UNSUPPORTED_MEDIA_TYPE);
}
END_TEST

/* --- html --------------------------------------------------------------------------------- */

START_TEST(markup_stays_and_text_is_escaped)
{
    tm_auto(html) page = html_new();
    tm_auto(tm_text) text = NULL;
    size_t size;

    html_add(page, "<p title=\"");
    html_text(page, "a\"b'c");
    html_add(page, "\">");
    html_text(page, "<script>&amp;</script>");
    html_text(page, NULL);
    html_printf(page, "%d</p>", 7);
    text = html_take(&page, &size);
    ck_assert_str_eq(text, "<p title=\"a&quot;b&#39;c\">"
                           "&lt;script&gt;&amp;amp;&lt;/script&gt;7</p>");
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_ptr_null(page);
}
END_TEST

START_TEST(an_address_holds_only_what_may_stand_in_one)
{
    tm_auto(html) page = html_new();
    tm_auto(tm_text) text = NULL;
    size_t size;

    html_percent(page, "/a b\"\r\n%?&=\xc3\xa9~");
    html_add(page, "|");
    html_percent_all(page, "/a?b");
    text = html_take(&page, &size);
    ck_assert_str_eq(text, "/a%20b%22%0D%0A%25%3F%26%3D%C3%A9~|%2Fa%3Fb");
}
END_TEST

START_TEST(a_page_grows_as_long_as_it_must)
{
    tm_auto(html) page = html_new();
    tm_auto(tm_text) text = NULL;
    size_t size;

    for (int i = 0; i < 10000; i++)
        html_text(page, "<1234");
    text = html_take(&page, &size);
    ck_assert_uint_eq(size, 80000);
    ck_assert_uint_eq(strlen(text), 80000);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http text");
    TCase *tcase = suite_case(suite, "text", NULL, NULL);

    suite_tests(tcase, a_form_is_decoded_field_by_field, an_empty_form_has_no_fields,
                the_texts_of_a_json_object_are_fields, what_is_neither_is_refused,
                markup_stays_and_text_is_escaped, an_address_holds_only_what_may_stand_in_one,
                a_page_grows_as_long_as_it_must);
    return suite_run(suite);
}
