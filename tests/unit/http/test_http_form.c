#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/http/core/form.h"
#include "actors/http/intake/tune_fields.h"
#include "tests/support/suite.h"

#define STRATEGY "8fd7589a-97c6-49bf-a65e-357fb063fe33"
#define OTHER    "00000000-0000-0000-0000-000000000002"

static char spool[] = "/tmp/tunemill-form-XXXXXX";
static form_t *form;
static settings_t *settings;

static void
open_form(void)
{
    form = form_new(spool, 1000);
    settings = settings_new();
    ck_assert_ptr_nonnull(form);
}

static void
close_form(void)
{
    form_destroy(&form);
    settings_destroy(&settings);
}

static tm_err_t
part(const char *name, uint64_t offset, const char *text)
{
    return form_part(form, name, NULL, offset, text, strlen(text));
}

START_TEST(a_field_arrives_in_pieces)
{
    ck_assert_int_eq(part("n_trials", 0, ""), TM_OK);
    ck_assert_int_eq(part("n_trials", 0, "1"), TM_OK);
    ck_assert_int_eq(part("n_trials", 1, "23"), TM_OK);
    ck_assert_str_eq(form_find(form, "n_trials")->data, "123");
    ck_assert_uint_eq(form_find(form, "n_trials")->size, 3);
    ck_assert_ptr_null(form_find(form, "seed"));
}
END_TEST

START_TEST(the_file_is_spooled_and_hashed)
{
    uint8_t expected[SHA256_SIZE];
    char back[6];

    ck_assert_int_eq(form_part(form, "file", "C:\\data\\x.csv", 0, "abc", 3), TM_OK);
    ck_assert_int_eq(form_part(form, "file", NULL, 3, "def", 3), TM_OK);
    form_end(form);
    digest_of("abcdef", 6, expected);
    ck_assert_mem_eq(form_file_sha256(form), expected, SHA256_SIZE);
    ck_assert_uint_eq(form_file_size(form), 6);
    ck_assert_str_eq(form_file_name(form), "x.csv");
    ck_assert_int_eq(form_file_read(form, 2, back, 4), TM_OK);
    ck_assert_mem_eq(back, "cdef", 4);
    ck_assert_int_eq(form_file_read(form, 5, back, 4), TM_INTERNAL);
}
END_TEST

START_TEST(a_file_over_the_limit_is_too_large)
{
    char data[600] = {0};

    ck_assert_int_eq(form_part(form, "file", NULL, 0, data, 600), TM_OK);
    ck_assert_int_eq(form_part(form, "file", NULL, 600, data, 400), TM_OK);
    ck_assert_int_eq(form_part(form, "file", NULL, 1000, data, 1), TM_FILE_TOO_LARGE);
    ck_assert_int_eq(part("seed", 0, "1"), TM_FILE_TOO_LARGE);
    ck_assert_int_eq(form_error(form)->err, TM_FILE_TOO_LARGE);
    ck_assert_str_eq(form_error(form)->errors[0].loc, "body.file");
}
END_TEST

START_TEST(a_field_over_64_kib_is_refused)
{
    size_t size = FORM_FIELD_BYTES;
    char *data = calloc(1, size);

    ck_assert_int_eq(form_part(form, "param_space", NULL, 0, data, size), TM_OK);
    ck_assert_int_eq(form_part(form, "param_space", NULL, size, data, 1), TM_VALIDATION_FAILED);
    free(data);
}
END_TEST

START_TEST(too_many_fields_are_refused)
{
    char name[16];
    int i;

    for (i = 0; i < FORM_FIELDS; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        ck_assert_int_eq(part(name, 0, "x"), TM_OK);
    }
    ck_assert_int_eq(part("more", 0, "x"), TM_VALIDATION_FAILED);
}
END_TEST

START_TEST(a_part_sent_twice_is_refused)
{
    ck_assert_int_eq(part("seed", 0, "1"), TM_OK);
    ck_assert_int_eq(part("seed", 0, "2"), TM_VALIDATION_FAILED);
}
END_TEST

START_TEST(a_second_file_is_refused)
{
    ck_assert_int_eq(part("file", 0, "1"), TM_OK);
    ck_assert_int_eq(part("file", 0, "2"), TM_VALIDATION_FAILED);
}
END_TEST

START_TEST(a_part_without_a_name_is_refused)
{
    ck_assert_int_eq(form_part(form, NULL, NULL, 0, "x", 1), TM_VALIDATION_FAILED);
}
END_TEST

START_TEST(a_spool_that_cannot_be_made_makes_no_form)
{
    ck_assert_ptr_null(form_new("/proc/no/such/place", 10));
}
END_TEST

/* --- fields ------------------------------------------------------------------------------- */

static tm_err_t
read_fields(struct workspace *workspace, struct problem *problem)
{
    tune_request_t *tune = tune_request_new(settings);

    form_end(form);
    tune_fields_read(form, tune, workspace, settings, problem);
    tune_request_destroy(&tune);
    return problem->err;
}

START_TEST(a_whole_form_is_fine)
{
    struct workspace workspace = {0};
    struct problem problem = {0};
    char text[TM_UUID_TEXT];

    ck_assert_int_eq(part("strategy_entity_id", 0, STRATEGY), TM_OK);
    ck_assert_int_eq(part("file", 0, "date,open"), TM_OK);
    ck_assert_int_eq(part("seed", 0, ""), TM_OK); /* not filled in */
    ck_assert_int_eq(read_fields(&workspace, &problem), TM_OK);
    ck_assert_str_eq(tm_uuid_text(&workspace.id, text), WORKSPACE_DEVELOPMENT);
}
END_TEST

START_TEST(every_wrong_field_is_listed)
{
    struct workspace workspace = {0};
    struct problem problem = {0};

    ck_assert_int_eq(part("n_trials", 0, "zero"), TM_OK);
    ck_assert_int_eq(part("search_type", 0, "magic"), TM_OK);
    ck_assert_int_eq(read_fields(&workspace, &problem), TM_VALIDATION_FAILED);
    ck_assert_uint_eq(problem.error_count, 4); /* those, strategy and file */
    ck_assert_str_eq(problem.errors[0].loc, "body.n_trials");
}
END_TEST

static const struct {
    const char *name, *value, *says;
} strange[] = {
    {"comission_bps", "0", "is not known here; did you mean commission_bps?"},
    {"comission_bps", "", "is not known here; did you mean commission_bps?"},
    {"ntrials", "5", "is not known here; did you mean n_trials?"},
    {"colour", "red", "is not known here"},
    {"params", "{}", "is not known here"},
};

START_TEST(a_field_nobody_knows_is_refused_with_the_nearest)
{
    struct workspace workspace = {0};
    struct problem problem = {0};
    char loc[80];

    ck_assert_int_eq(part("strategy_entity_id", 0, STRATEGY), TM_OK);
    ck_assert_int_eq(part("file", 0, "date,open"), TM_OK);
    ck_assert_int_eq(part(strange[_i].name, 0, strange[_i].value), TM_OK);
    ck_assert_int_eq(read_fields(&workspace, &problem), TM_UNKNOWN_FIELD);
    ck_assert_uint_eq(problem.error_count, 1);
    snprintf(loc, sizeof(loc), "body.%s", strange[_i].name);
    ck_assert_str_eq(problem.errors[0].loc, loc);
    ck_assert_str_eq(problem.errors[0].msg, strange[_i].says);
}
END_TEST

START_TEST(an_empty_file_is_refused)
{
    struct workspace workspace = {0};
    struct problem problem = {0};

    ck_assert_int_eq(part("strategy_entity_id", 0, STRATEGY), TM_OK);
    ck_assert_int_eq(part("file", 0, ""), TM_OK);
    ck_assert_int_eq(read_fields(&workspace, &problem), TM_VALIDATION_FAILED);
    ck_assert_str_eq(problem.errors[0].loc, "body.file");
}
END_TEST

START_TEST(two_workspaces_must_agree)
{
    struct workspace workspace = {0};
    struct problem problem = {0};

    workspace_say(&workspace, "header.X-Workspace-Id", OTHER, strlen(OTHER), &problem);
    ck_assert_int_eq(problem.err, TM_OK);
    ck_assert_int_eq(part("workspace_id", 0, STRATEGY), TM_OK);
    ck_assert_int_eq(read_fields(&workspace, &problem), TM_WORKSPACE_MISMATCH);
}
END_TEST

START_TEST(a_workspace_must_be_named_in_production)
{
    char detail[200];
    struct workspace workspace = {0};
    struct problem problem = {0};

    ck_assert_int_eq(
        settings_set(settings, "system.profile=production", detail, sizeof(detail)), TM_OK);
    workspace_settle(&workspace, settings, &problem);
    ck_assert_int_eq(problem.err, TM_VALIDATION_FAILED);
    ck_assert(!workspace.is_known);
}
END_TEST

START_TEST(a_workspace_that_is_no_uuid_is_refused)
{
    struct workspace workspace = {0};
    struct problem problem = {0};

    workspace_say(&workspace, "query.workspace_id", "x", 1, &problem);
    ck_assert_int_eq(problem.err, TM_VALIDATION_FAILED);
    ck_assert_str_eq(problem.errors[0].loc, "query.workspace_id");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http form");
    TCase *forms = suite_case(suite, "forms", open_form, close_form);
    int status;

    if (!mkdtemp(spool))
        return EXIT_FAILURE;
    suite_tests(forms, a_field_arrives_in_pieces, the_file_is_spooled_and_hashed,
                a_file_over_the_limit_is_too_large, a_field_over_64_kib_is_refused,
                too_many_fields_are_refused, a_part_sent_twice_is_refused,
                a_second_file_is_refused, a_part_without_a_name_is_refused,
                a_spool_that_cannot_be_made_makes_no_form, a_whole_form_is_fine,
                every_wrong_field_is_listed, an_empty_file_is_refused,
                two_workspaces_must_agree, a_workspace_must_be_named_in_production,
                a_workspace_that_is_no_uuid_is_refused);
    suite_rows(forms, a_field_nobody_knows_is_refused_with_the_nearest, strange);
    status = suite_run(suite);
    rmdir(spool);
    return status;
}
