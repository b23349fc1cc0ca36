#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "ops/cli/print_tune.h"

static const struct {
    const char *overfit, *line; /* NULL: none */
} figures[] = {
    {"{\"pbo\": 0.387, \"deflated_sharpe\": 0.0871}",
     "\noverfit    pbo 0.39  deflated sharpe 0.087\n"},
    {"{\"pbo\": 0.5, \"deflated_sharpe\": null}", "\noverfit    pbo 0.50\n"},
    {"{\"pbo\": null, \"deflated_sharpe\": null}", NULL},
    {"null", NULL},
};

START_TEST(the_overfit_line_has_the_figures_there_are_and_ends)
{
    json_t *overfit = json_loads(figures[_i].overfit, JSON_DECODE_ANY, NULL);
    json_t *tune =
        json_pack("{s:s, s:o, s:[s]}", "tune_id", "t", "overfit", overfit, "warnings", "few");
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    print_tune(out, tune);
    fclose(out);
    if (figures[_i].line)
        ck_assert_ptr_nonnull(strstr(text, figures[_i].line));
    else
        ck_assert_ptr_null(strstr(text, "overfit"));
    ck_assert_ptr_nonnull(strstr(text, "\nwarning    few\n"));
    free(text);
    json_decref(tune);
}
END_TEST

static void
expect_print(json_t *tune, const char *const *lines)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    ck_assert_ptr_nonnull(tune);
    print_tune(out, tune);
    fclose(out);
    for (; *lines; lines++)
        ck_assert_msg(strstr(text, *lines) != NULL, "no \"%s\" in\n%s", *lines, text);
    free(text);
    json_decref(tune);
}

START_TEST(rejected_trials_are_counted_and_say_why)
{
    static const char *const lines[] = {"\nstatus     completed\n",
                                        "\ntrials     9: 2 valid, 7 rejected, 0 failed",
                                        "\nrejected   7 trials have so few trades\n", NULL};

    expect_print(json_pack("{s:s, s:i, s:{s:i, s:i, s:i}, s:[{s:s}]}", "status", "completed",
                           "n_trials", 9, "counts", "completed", 2, "skipped", 7, "failed", 0,
                           "rejections", "text", "7 trials have so few trades"),
                 lines);
}
END_TEST

START_TEST(a_tune_that_asked_for_what_is_wrong_is_called_rejected)
{
    static const char *const lines[] = {"\nstatus     rejected\n", NULL};

    expect_print(json_pack("{s:s, s:{s:b}}", "status", "failed", "error", "rejected", 1),
                 lines);
}
END_TEST

START_TEST(a_tune_that_failed_here_has_failed)
{
    static const char *const lines[] = {"\nstatus     failed\n", NULL};

    expect_print(json_pack("{s:s, s:{s:b}}", "status", "failed", "error", "rejected", 0),
                 lines);
}
END_TEST

START_TEST(a_canceled_tune_says_how_far_it_came)
{
    static const char *const lines[] = {"\nstatus     canceled\ntrials     20 of 50: 3 valid",
                                        NULL};

    expect_print(json_pack("{s:s, s:i, s:i, s:{s:i}}", "status", "canceled", "n_trials", 50,
                           "trials_completed", 20, "counts", "completed", 3),
                 lines);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cli_show");
    TCase *tcase = suite_case(suite, "show", NULL, NULL);

    suite_rows(tcase, the_overfit_line_has_the_figures_there_are_and_ends, figures);
    suite_tests(tcase, rejected_trials_are_counted_and_say_why,
                a_tune_that_asked_for_what_is_wrong_is_called_rejected,
                a_tune_that_failed_here_has_failed, a_canceled_tune_says_how_far_it_came);
    return suite_run(suite);
}
