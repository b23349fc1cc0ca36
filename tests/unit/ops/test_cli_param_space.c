#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cli/param_space_arg.h"
#include "tests/support/suite.h"

static char detail[CLI_DETAIL_MAX];

static json_t *
parse(const char *text)
{
    struct cli_list texts = {{text}, 1};

    return param_space_arg_parse(&texts, detail, sizeof detail);
}

static void
assert_is(const char *text, const char *expected)
{
    json_t *space = parse(text);
    char *got = json_dumps(space, JSON_COMPACT | JSON_SORT_KEYS);

    ck_assert_ptr_nonnull(space);
    ck_assert_str_eq(got, expected);
    free(got);
    json_decref(space);
}

START_TEST(steps_include_both_ends_and_stay_whole)
{
    assert_is("period=10:50:20", "{\"period\":[10,30,50]}");
    assert_is("period=10:55:20", "{\"period\":[10,30,50]}");
    assert_is("k=5:5:1", "{\"k\":[5]}");
}
END_TEST

START_TEST(decimal_steps_are_the_decimals_a_person_means)
{
    json_t *space = parse("k=0.1:0.5:0.1");
    json_t *list = json_object_get(space, "k");

    ck_assert_uint_eq(json_array_size(list), 5);
    ck_assert(json_real_value(json_array_get(list, 2)) == 0.3);
    json_decref(space);
}
END_TEST

START_TEST(steps_beyond_whole_numbers_are_real)
{
    json_t *space = parse("k=0:9.9e18:999999999999999");
    const json_t *list = json_object_get(space, "k");

    ck_assert_uint_eq(json_array_size(list), 9901);
    ck_assert_double_gt(json_number_value(json_array_get(list, 9900)), 9.8e18);
    json_decref(space);
}
END_TEST

START_TEST(a_list_keeps_its_values_and_a_single_value_is_a_list)
{
    assert_is("k=1,2,-3", "{\"k\":[1,2,-3]}");
    assert_is("k=7", "{\"k\":[7]}");
}
END_TEST

START_TEST(a_range_is_of_whole_numbers_only_if_both_ends_are)
{
    assert_is("n=2..20", "{\"n\":{\"max\":20,\"min\":2,\"type\":\"int\"}}");
    assert_is("k=1..2.5", "{\"k\":{\"max\":2.5,\"min\":1.0,\"type\":\"float\"}}");
}
END_TEST

static const char *const wrong[] = {
    "",           "k",         "=1",          "k=",        "k=1,",  "k=a",
    "k=1:2",      "k=1:2:0",   "k=2:1:1",     "k=1:2:-1",  "k=nan", "k=1:2:nan",
    "k=3..2",     "k=1..",     "k=..1",       "k=1:2:3:4", "k=inf", "k=1 2",
    "k=0:1:1e-9", "k=1..2..3", "k=0x10:20:1", "k=1e400",
};

START_TEST(what_is_no_space_is_refused_with_an_example)
{
    detail[0] = '\0';
    ck_assert_ptr_null(parse(wrong[_i]));
    ck_assert_ptr_nonnull(strstr(detail, "period=10:50:5"));
}
END_TEST

START_TEST(a_name_given_twice_is_refused)
{
    struct cli_list texts = {{"k=1", "k=2"}, 2};

    ck_assert_ptr_null(param_space_arg_parse(&texts, detail, sizeof detail));
    ck_assert_ptr_nonnull(strstr(detail, "k twice"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cli_choices");
    TCase *tcase = suite_case(suite, "choices", NULL, NULL);

    suite_tests(tcase, steps_include_both_ends_and_stay_whole,
                decimal_steps_are_the_decimals_a_person_means,
                steps_beyond_whole_numbers_are_real,
                a_list_keeps_its_values_and_a_single_value_is_a_list,
                a_range_is_of_whole_numbers_only_if_both_ends_are);
    suite_rows(tcase, what_is_no_space_is_refused_with_an_example, wrong);
    suite_tests(tcase, a_name_given_twice_is_refused);
    return suite_run(suite);
}
