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

int
main(void)
{
    Suite *suite = suite_create("cli_show");
    TCase *tcase = suite_case(suite, "show", NULL, NULL);

    suite_rows(tcase, the_overfit_line_has_the_figures_there_are_and_ends, figures);
    return suite_run(suite);
}
