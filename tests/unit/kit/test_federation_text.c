/* A text of metrics from outside is taken whole or not at all; many become one. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/federation_text.h"
#include "actors/kit/runtime/metrics.h"
#include "tests/support/suite.h"

#define HEAD "# HELP x_total Some help\n# TYPE x_total counter\n"
#define MINE "actor=\"a\",instance=\"i\""

static size_t
wrong_line(const char *text)
{
    size_t line;
    bool is_good = federation_text_check(tm_str(text), tm_str("a"), tm_str("i"), &line);

    return is_good ? 0 : line;
}

static const struct {
    const char *text;
    size_t wrong_line; /* 0: it is good */
} texts[] = {
    {HEAD "x_total{" MINE "} 1\n", 0},
    {HEAD "x_total{k=\"v\"," MINE "} 1.5\n# HELP y x\n# TYPE y gauge\n", 0},
    {HEAD HEAD, 5}, /* twice */
    {HEAD "x_total{" MINE "} 1\nx_total{" MINE "} 2\n", 5},
    {HEAD "x_total{k=\"a\",k=\"b\"," MINE "} 1\n", 3},
    {HEAD "x_total{k=\"\xff\"," MINE "} 1\n", 1}, /* no UTF-8: the whole */
    {HEAD "# HELP y h\n", 4},
    {HEAD
     "x_total{a=\"\",b=\"\",c=\"\",d=\"\",e=\"\",f=\"\",g=\"\",h=\"\",i=\"\",j=\"\",k=\"\","
     "l=\"\",m=\"\",n=\"\",o=\"\"," MINE "} 1\n",
     3},
    {HEAD "x_total{k=\"a\\\"b\\\\c\\nd\"," MINE "} -3e5\n", 0},
    {"# HELP h x\n# TYPE h histogram\nh_bucket{le=\"+Inf\"," MINE "} 1\nh_sum{" MINE
     "} 1\nh_count{" MINE "} 1\n",
     0},
    {HEAD, 0},
    {"", 1},
    {HEAD "x_total{" MINE "} 1", 3}, /* no end of line */
    {"x_total{" MINE "} 1\n", 1},    /* no head */
    {"# HELP x_total h\nx_total{" MINE "} 1\n", 2},
    {"# TYPE x_total counter\n", 1},
    {"# HELP x_total h\n# TYPE y_total counter\n", 2},
    {"# HELP x_total h\n# TYPE x_total summary\n", 2},
    {HEAD "# TYPE x_total counter\n", 3},
    {"# HELP 9x h\n", 1},
    {"# HELP x_total a\tb\n", 1},
    {HEAD "y_total{" MINE "} 1\n", 3},     /* of another family */
    {HEAD "x_total_sum{" MINE "} 1\n", 3}, /* no part of a counter */
    {HEAD "x_total 1\n", 3},               /* nobody's */
    {HEAD "x_total{k=\"v\"} 1\n", 3},
    {HEAD "x_total{actor=\"a\"} 1\n", 3},
    {HEAD "x_total{actor=\"b\",instance=\"i\"} 1\n", 3},
    {HEAD "x_total{actor=\"a\",instance=\"ii\"} 1\n", 3},
    {HEAD "x_total{" MINE "}\n", 3},
    {HEAD "x_total{" MINE "} \n", 3},
    {HEAD "x_total{" MINE "} one\n", 3},
    {HEAD "x_total{" MINE "} 1 2\n", 3},
    {HEAD "x_total{" MINE "} 0x10\n", 3},
    {HEAD "x_total{" MINE "} NaN\n", 3},
    {HEAD "x_total{" MINE "} 1e999\n", 3},
    {HEAD "x_total{" MINE ",} 1\n", 3},
    {HEAD "x_total{k=\"v" MINE "} 1\n", 3},
    {HEAD "x_total{k=\"\\x\"," MINE "} 1\n", 3},
    {HEAD "x_total{k=v," MINE "} 1\n", 3},
    {HEAD "x_total{" MINE "} 1\n\n", 4},
    {HEAD "x_total{" MINE "} 1\n# a remark\n", 4},
};

START_TEST(a_text_is_good_or_has_a_first_line_that_is_wrong)
{
    ck_assert_msg(wrong_line(texts[_i].text) == texts[_i].wrong_line, "line %zu of:\n%s",
                  wrong_line(texts[_i].text), texts[_i].text);
}
END_TEST

START_TEST(what_a_process_writes_is_good)
{
    meters_t *meters = meters_new("tune");
    size_t size, line;
    char *text;

    meters_add(meters, METRIC_TRIALS, "a\"b\\c\nd", 3);
    meters_observe_us(meters, METRIC_DB_QUERY, "x", 12);
    meters_set(meters, METRIC_COMPONENT_LATENCY, "y", -7);
    text = meters_render(meters, &size);
    ck_assert_msg(federation_text_check((tm_str_t){text, size}, tm_str("tune"),
                                        tm_str(meters_instance(meters)), &line),
                  "line %zu", line);
    free(text);
    meters_destroy(&meters);
}
END_TEST

static char *
merged(const char *one, const char *other)
{
    tm_str_t both[] = {tm_str(one), tm_str(other)};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    ck_assert(federation_text_merge(out, both, 2));
    fclose(out);
    return text;
}

START_TEST(each_family_stands_once_with_the_series_of_all)
{
    char *text = merged("# HELP b h1\n# TYPE b gauge\nb{i=\"1\"} 1\nb{i=\"1\",k=\"2\"} 2\n"
                        "# HELP a h\n# TYPE a gauge\n",
                        "# HELP ab h\n# TYPE ab gauge\nab{i=\"2\"} 9\n"
                        "# HELP b h2\n# TYPE b gauge\nb{i=\"2\"} 3\n");

    ck_assert_str_eq(text, "# HELP a h\n# TYPE a gauge\n"
                           "# HELP ab h\n# TYPE ab gauge\nab{i=\"2\"} 9\n"
                           "# HELP b h1\n# TYPE b gauge\nb{i=\"1\"} 1\nb{i=\"1\",k=\"2\"} 2\n"
                           "b{i=\"2\"} 3\n");
    free(text);
}
END_TEST

START_TEST(a_family_of_another_type_is_left_out)
{
    char *text = merged("# HELP b h\n# TYPE b gauge\nb{i=\"1\"} 1\n",
                        "# HELP b h\n# TYPE b counter\nb{i=\"2\"} 3\n");

    ck_assert_str_eq(text, "# HELP b h\n# TYPE b gauge\nb{i=\"1\"} 1\n");
    free(text);
}
END_TEST

START_TEST(a_sum_is_over_the_series_that_hold_the_label)
{
    tm_str_t text =
        tm_str("# HELP b b{x} 7\n# TYPE b gauge\nb{k=\"1\",z=\"3\"} 1\nb{k=\"2\"} 2.5\n"
               "bb{k=\"2\"} 100\nab{k=\"2\"} 100\nb_b{k=\"2\"} 100\nb 4\n");

    ck_assert_double_eq(federation_text_sum(text, "b", NULL), 7.5);
    ck_assert_double_eq(federation_text_sum(text, "b", "k=\"2\""), 2.5);
    ck_assert_double_eq(federation_text_sum(text, "b", "k=\"3\""), 0);
    ck_assert_double_eq(federation_text_sum(text, "c", NULL), 0);
    ck_assert_double_eq(federation_text_sum(tm_str(""), "c", NULL), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("federation_text");
    TCase *tcase = suite_case(suite, "federation_text", NULL, NULL);

    suite_rows(tcase, a_text_is_good_or_has_a_first_line_that_is_wrong, texts);
    suite_tests(
        tcase, what_a_process_writes_is_good, each_family_stands_once_with_the_series_of_all,
        a_family_of_another_type_is_left_out, a_sum_is_over_the_series_that_hold_the_label);
    return suite_run(suite);
}
