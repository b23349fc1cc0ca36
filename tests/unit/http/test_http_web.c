/* The pages and what they load, from a real bridge that has no database: none of it needs one.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/web/embedded.h"
#include "actors/http/web/pages.def"
#include "actors/http/web/template.h"
#include "actors/kit/contracts/tune_field.h"
#include "actors/kit/util/auto.h"
#include "tests/support/reads_world.h"
#include "tests/support/suite.h"

#define COOKIE  "Cookie: admin_token=" READS_TOKEN
#define TUNE    "/admin/backtests/tunes/00000000-0000-7000-8000-000000000001"
#define COCKPIT "/admin/coverage/cockpit"
#define RUN     COCKPIT "/00000000-0000-7000-8000-000000000002"
#define ASSETS  "/admin/assets/"

static struct reads_world world;
static struct reads_answer answer; /* the last one */

static void
setup(void)
{
    static const char *const settings[] = {"http.admin_token=" READS_TOKEN,
                                           "http.max_upload_mb=7", NULL};

    reads_world_init_bare(&world, settings);
}

static void
teardown(void)
{
    reads_answer_fini(&answer);
    memset(&answer, 0, sizeof(answer));
    reads_world_fini(&world);
}

static void
ask(const char *method, const char *path, const char *first, const char *second)
{
    const char *const headers[] = {first, first ? second : NULL, NULL};

    reads_answer_fini(&answer);
    memset(&answer, 0, sizeof(answer));
    reads_ask(&world, method, path, headers, &answer);
}

static void
expect(long status, const char *text)
{
    ck_assert_msg(answer.status == status, "%ld, not %ld: %s", answer.status, status,
                  answer.head);
    ck_assert_msg(strstr(answer.head, text) || strstr(answer.body, text), "no %s in %s%s", text,
                  answer.head, answer.body);
}

/* --- what a form takes ---------------------------------------------------------------------
 */

/* Follows "$ref". */
static const json_t *
resolved(const json_t *root, const json_t *node)
{
    const char *ref = json_string_value(json_object_get(node, "$ref"));
    tm_auto(tm_text) path = ref ? strdup(ref) : NULL;
    char *rest = path, *name;

    if (!ref)
        return node;
    strsep(&rest, "/"); /* # */
    node = root;
    while ((name = strsep(&rest, "/")))
        node = json_object_get(node, name);
    return resolved(root, node);
}

static const json_t *
form_of(const json_t *root, const char *path)
{
    static const char *const way[] = {"post", "requestBody", "content", "multipart/form-data",
                                      "schema"};
    const json_t *node = json_object_get(json_object_get(root, "paths"), path);

    for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++)
        node = resolved(root, json_object_get(node, way[i]));
    return json_object_get(node, "properties");
}

static void
same_number(const field_t *row, const json_t *schema, const char *name, double want)
{
    const json_t *value = json_object_get(schema, name);

    ck_assert_msg(json_is_number(value) && json_number_value(value) == want, "%s: %s",
                  row->name, name);
}

static void
same_words(const field_t *row, const json_t *schema)
{
    const json_t *list = json_object_get(schema, "enum");
    char words[200] = "";

    for (size_t i = 0; i < json_array_size(list); i++)
        snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s", i ? " " : "",
                 json_string_value(json_array_get(list, i)));
    ck_assert_msg(strcmp(words, row->choices) == 0, "%s: %s", row->name, words);
}

static void
same_default(const field_t *row, const json_t *schema)
{
    const json_t *value = json_object_get(schema, "default");
    char text[40];

    if (row->kind == FIELD_OBJECT)
        return; /* written as text or as an object */
    if (json_is_number(value))
        snprintf(text, sizeof(text), "%.15g", json_number_value(value));
    else
        snprintf(text, sizeof(text), "%s",
                 json_is_string(value) ? json_string_value(value) : "");
    ck_assert_msg(strcmp(text, row->standard ? row->standard : "") == 0, "%s: default %s",
                  row->name, text);
}

static void
same_field(const field_t *row, const json_t *schema)
{
    ck_assert_msg(json_is_object(schema), "%s is not described", row->name);
    if (row->kind == FIELD_INT || row->kind == FIELD_NUMBER) {
        ck_assert_str_eq(json_string_value(json_object_get(schema, "type")),
                         row->kind == FIELD_INT ? "integer" : "number");
        same_number(row, schema, "minimum", row->min);
        same_number(row, schema, "maximum", row->max);
    }
    if (row->kind == FIELD_OBJECT && json_object_get(schema, "maxLength"))
        same_number(row, schema, "maxLength", row->max);
    if (row->kind == FIELD_CHOICE)
        same_words(row, schema);
    same_default(row, schema);
}

static const struct {
    const char *path;
    unsigned form;
} forms[] = {{"/backtests/tune", TUNE_FORM}, {"/backtests/run", BACKTEST_FORM}};

START_TEST(the_description_of_a_form_says_what_is_read)
{
    tm_auto(settings) settings = settings_new();
    const json_t *described;
    size_t count = 0;

    ask("GET", "/openapi.json", NULL, NULL);
    described = form_of(answer.json, forms[_i].path);
    for (size_t i = 0; i < tune_fields.count; i++) {
        struct tune_limited limited;

        tune_field_limited(&tune_fields.rows[i], settings, &limited);
        if (!(limited.row.flags & forms[_i].form))
            continue;
        same_field(&limited.row,
                   resolved(answer.json, json_object_get(described, limited.row.name)));
        count++;
    }
    ck_assert_uint_eq(json_object_size(described), count); /* and nothing else */
}
END_TEST

START_TEST(the_page_of_a_new_tune_has_the_same_limits)
{
    tm_auto(settings) settings = settings_new();
    tm_auto(json) limits = tune_fields_limits(settings);
    const char *text;
    char wanted[80];

    ask("GET", "/admin/backtests/new", COOKIE, NULL);
    text = strstr(answer.body, "data-limits=\"");
    ck_assert_ptr_nonnull(text);
    snprintf(wanted, sizeof(wanted),
             "&quot;n_trials&quot;:{&quot;min&quot;:1.0,&quot;max&quot;:%lld.0",
             (long long)settings->tune_max_trials);
    ck_assert_msg(strstr(text, wanted) != NULL, "no %s in %.600s", wanted, text);
    ck_assert_uint_ge(json_object_size(limits), 9);
    ck_assert_ptr_nonnull(json_object_get(limits, "dd_lambda"));
}
END_TEST

/* --- pages -------------------------------------------------------------------------------- */

static const struct {
    const char *path, *title, *script;
} pages[] = {
    {"/admin/backtests/tunes", "<title>Tunes ", ASSETS "tunes.js"},
    {TUNE, "<title>Tune ", ASSETS "tune.js"},
    {"/admin/backtests/leaderboard", "<title>Leaderboard ", ASSETS "leaderboard.js"},
    {"/admin/backtests/compare", "<title>Compare tunes ", ASSETS "compare.js"},
    {"/admin/backtests/new", "<title>New tune ", ASSETS "new.js"},
    {"/admin/queues", "<title>Queues ", ASSETS "queues.js"},
    {COCKPIT, "<title>Coverage ", ASSETS "coverage.js"},
    {RUN, "<title>Coverage ", ASSETS "coverage.js"},
};
enum { PAGES = sizeof(pages) / sizeof(pages[0]) };

START_TEST(each_page_is_whole)
{
    ask("GET", pages[_i].path, COOKIE, NULL);
    expect(200, "Content-Type: text/html; charset=utf-8\r\n");
    expect(200, "<!doctype html>");
    expect(200, pages[_i].title);
    expect(200, pages[_i].script);
    expect(200, "<h1");
    expect(200, "</html>");
    expect(200, "data-max-upload-mb=\"7\"");
    expect(200, "Cache-Control: no-store\r\n");
    ck_assert_msg(!strstr(answer.body, "{{"), "not filled in: %s", strstr(answer.body, "{{"));
}
END_TEST

/* What a policy without 'unsafe-inline' would not run stands in no page. */
START_TEST(nothing_in_a_page_is_inline)
{
    static const char *const wrong[] = {" style=", " onclick=", " onload=", "javascript:",
                                        "<style",  "<script>",  "http://",  "https://"};

    ask("GET", pages[_i].path, COOKIE, NULL);
    expect(200, "Content-Security-Policy: default-src 'none'; script-src 'self'; ");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(!strstr(answer.body, wrong[i]), "%s has %s", pages[_i].path, wrong[i]);
}
END_TEST

/* Every address of /admin/assets that a page names leads to an asset. */
START_TEST(what_a_page_loads_is_there)
{
    char *at, path[200];
    size_t count = 0;
    tm_auto(tm_text) html = NULL;

    ask("GET", pages[_i].path, COOKIE, NULL);
    html = strdup(answer.body);
    for (at = html; (at = strstr(at, "\"" ASSETS)); at++, count++) {
        snprintf(path, sizeof(path), "%.*s", (int)strcspn(at + 1, "\""), at + 1);
        ask("GET", path, NULL, NULL);
        ck_assert_msg(answer.status == 200, "%s: %ld", path, answer.status);
    }
    ck_assert_uint_ge(count, 4);
}
END_TEST

START_TEST(a_page_asks_for_the_token)
{
    ask("GET", pages[_i].path, NULL, NULL);
    expect(401, "UNAUTHORIZED");
    ask("GET", pages[_i].path, "Cookie: admin_token=wrong", NULL);
    expect(403, "FORBIDDEN");
    ask("GET", pages[_i].path, "Accept: text/html", NULL);
    expect(303, "Location: /admin/login?next=%2Fadmin%2F");
}
END_TEST

/* A page's own parameters are its script's, whatever they are; those of an asset are nobody's.
 */
START_TEST(a_page_takes_any_parameter)
{
    char path[200];

    snprintf(path, sizeof(path), "%s?status=open&tune_id=1&anything=x", pages[_i].path);
    ask("GET", path, COOKIE, NULL);
    expect(200, pages[_i].title);
    ask("GET", ASSETS "app.css?v=2", NULL, NULL);
    expect(422, "UNKNOWN_FIELD");
}
END_TEST

START_TEST(a_page_answers_head_and_no_other_method)
{
    ask("HEAD", pages[_i].path, COOKIE, NULL);
    expect(200, "Content-Length: ");
    ck_assert_uint_eq(answer.body_size, 0);
    ask("POST", pages[_i].path, COOKIE, NULL);
    expect(405, "Allow: GET, HEAD\r\n");
}
END_TEST

START_TEST(a_tune_and_a_run_have_an_id_that_is_one)
{
    ask("GET", "/admin/backtests/tunes/x", COOKIE, NULL);
    expect(422, "path.id");
    ask("GET", "/admin/backtests/tunes/%3Cscript%3E", COOKIE, NULL);
    expect(422, "path.id");
    ask("GET", TUNE "/", COOKIE, NULL);
    expect(404, "NOT_FOUND");
    ask("GET", COCKPIT "/x", COOKIE, NULL);
    expect(422, "path.id");
    ask("GET", COCKPIT "/", COOKIE, NULL);
    expect(404, "NOT_FOUND");
}
END_TEST

/* --- assets ------------------------------------------------------------------------------- */

static const struct web_asset *
asset(const char *name)
{
    for (size_t i = 0; i < web_asset_count; i++)
        if (strcmp(web_assets[i].name, name) == 0)
            return &web_assets[i];
    ck_abort_msg("no %s", name);
    return NULL;
}

START_TEST(each_asset_is_sent_as_it_is_in_the_binary)
{
    char path[200], type[100], etag[100];

    for (size_t i = 0; i < web_asset_count; i++) {
        snprintf(path, sizeof(path), ASSETS "%s", web_assets[i].name);
        snprintf(type, sizeof(type), "Content-Type: %s\r\n", web_assets[i].type);
        snprintf(etag, sizeof(etag), "ETag: %s\r\n", web_assets[i].etag);
        ask("GET", path, NULL, NULL);
        expect(200, type);
        expect(200, etag);
        expect(200, "Cache-Control: no-cache\r\n");
        expect(200, "X-Content-Type-Options: nosniff\r\n");
        ck_assert_msg(strstr(answer.head, "no-store") == NULL, "%s", answer.head);
        ck_assert_uint_eq(answer.body_size, web_assets[i].size);
        ck_assert_mem_eq(answer.body, web_assets[i].data, web_assets[i].size);
        ck_assert_msg(web_assets[i].type[0] && web_assets[i].size, "%s", path);
    }
}
END_TEST

START_TEST(no_two_assets_have_one_name_or_one_etag)
{
    for (size_t i = 0; i < web_asset_count; i++)
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(web_assets[i].name, web_assets[j].name);
            ck_assert_str_ne(web_assets[i].etag, web_assets[j].etag);
        }
    ck_assert_str_eq(asset("chart.min.js")->type, "text/javascript; charset=utf-8");
    ck_assert_str_eq(asset("favicon.svg")->type, "image/svg+xml");
}
END_TEST

START_TEST(a_browser_that_has_it_is_told_so)
{
    char same[100], weak[100], among[300], half[100];
    const char *etag = asset("app.css")->etag;

    snprintf(same, sizeof(same), "If-None-Match: %s", etag);
    snprintf(weak, sizeof(weak), "If-None-Match: W/%s", etag);
    snprintf(among, sizeof(among), "If-None-Match: \"a\", W/\"b,c\" ,%s", etag);
    snprintf(half, sizeof(half), "If-None-Match: %.20s\"", etag);
    ask("GET", ASSETS "app.css", same, NULL);
    expect(304, etag);
    ck_assert_uint_eq(answer.body_size, 0);
    ask("HEAD", ASSETS "app.css", weak, NULL);
    expect(304, etag);
    ask("GET", ASSETS "app.css", among, NULL);
    expect(304, etag);
    ask("GET", ASSETS "app.css", "If-None-Match: \"x\"", same);
    expect(304, etag);
    ask("GET", ASSETS "app.css", "If-None-Match: *", NULL);
    expect(304, etag);
    ask("GET", ASSETS "app.css", half, NULL);
    expect(200, etag);
    ask("GET", ASSETS "favicon.svg", same, NULL);
    expect(200, "<svg");
}
END_TEST

START_TEST(an_asset_answers_head)
{
    char length[100];

    snprintf(length, sizeof(length), "Content-Length: %zu\r\n", asset("chart.min.js")->size);
    ask("HEAD", ASSETS "chart.min.js", NULL, NULL);
    expect(200, length);
    ck_assert_uint_eq(answer.body_size, 0);
}
END_TEST

START_TEST(what_is_no_asset_is_not_found)
{
    static const char *const paths[] = {
        "",
        "none.js",
        "app.css/",
        "APP.CSS",
        "..%2Fapp.css",
        "app.css%00",
        "shell.html",
        "app%20css",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    char path[200];

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        snprintf(path, sizeof(path), ASSETS "%s", paths[i]);
        ask("GET", path, NULL, NULL);
        expect(404, "\"code\":\"NOT_FOUND\"");
    }
}
END_TEST

/* --- templates ---------------------------------------------------------------------------- */

static void
check_fill(const char *template, const char *want)
{
    static const struct template_value values[] = {
        {"text", "<b a=\"1\" c='2'>&{{html}}", NULL},
        {"html", NULL, "<i>{{text}}</i>"},
        {"none", "", NULL},
    };
    size_t size;
    tm_auto(tm_text) got = template_fill(template, values, 3, &size);

    ck_assert_str_eq(got, want);
    ck_assert_uint_eq(size, strlen(want));
}

START_TEST(a_text_is_escaped_where_it_is_put_in)
{
    check_fill("", "");
    check_fill("plain {x} }} ", "plain {x} }} ");
    check_fill("a{{none}}b", "ab");
    check_fill("\"{{text}}\"", "\"&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;{{html}}\"");
}
END_TEST

START_TEST(what_is_put_in_is_not_looked_at_again)
{
    check_fill("{{html}}{{none}}{{html}}", "<i>{{text}}</i><i>{{text}}</i>");
}
END_TEST

START_TEST(a_name_that_is_none_stays_as_it_stands)
{
    check_fill("{{unknown}} {{ text }} {{text", "{{unknown}} {{ text }} {{text");
    check_fill("{{{html}}", "{<i>{{text}}</i>");
    check_fill("{{{{none}}", "{{");
    check_fill("{{", "{{");
}
END_TEST

static void
add_pages(TCase *tcase)
{
    tcase_add_loop_test(tcase, the_description_of_a_form_says_what_is_read, 0, 2);
    tcase_add_test(tcase, the_page_of_a_new_tune_has_the_same_limits);
    tcase_add_loop_test(tcase, each_page_is_whole, 0, PAGES);
    tcase_add_loop_test(tcase, nothing_in_a_page_is_inline, 0, PAGES);
    tcase_add_loop_test(tcase, what_a_page_loads_is_there, 0, PAGES);
    tcase_add_loop_test(tcase, a_page_asks_for_the_token, 0, PAGES);
    tcase_add_loop_test(tcase, a_page_takes_any_parameter, 0, PAGES);
    tcase_add_loop_test(tcase, a_page_answers_head_and_no_other_method, 0, PAGES);
    suite_tests(tcase, a_tune_and_a_run_have_an_id_that_is_one);
}

static void
add_assets(TCase *tcase)
{
    suite_tests(tcase, each_asset_is_sent_as_it_is_in_the_binary,
                no_two_assets_have_one_name_or_one_etag, a_browser_that_has_it_is_told_so,
                an_asset_answers_head, what_is_no_asset_is_not_found);
}

int
main(void)
{
    Suite *suite = suite_create("http web");
    TCase *served = suite_case(suite, "served", setup, teardown),
          *templates = suite_case(suite, "templates", NULL, NULL);

    add_pages(served);
    add_assets(served);
    suite_tests(templates, a_text_is_escaped_where_it_is_put_in,
                what_is_put_in_is_not_looked_at_again, a_name_that_is_none_stays_as_it_stands);
    return suite_run(suite);
}
