#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/error.h"
#include "tests/support/suite.h"

START_TEST(every_row_has_name_text_and_a_possible_status)
{
    for (int i = 0; i < TM_ERR_COUNT; i++) {
        tm_err_t err = (tm_err_t)i;
        ck_assert_msg(strlen(tm_err_name(err)) > 0, "row %d has no name", i);
        ck_assert_msg(strlen(tm_err_text(err)) > 0, "row %d has no text", i);
        ck_assert_int_ge(tm_err_http(err), 200);
        ck_assert_int_lt(tm_err_http(err), 600);
        ck_assert_uint_le(strlen(tm_err_name(err)), 64); /* fits a code field */
    }
}
END_TEST

START_TEST(a_name_leads_back_to_its_row)
{
    for (int i = 0; i < TM_ERR_COUNT; i++) {
        const char *name = tm_err_name((tm_err_t)i);
        ck_assert_int_eq(tm_err_by_name(name, strlen(name)), i);
    }
}
END_TEST

START_TEST(an_unknown_name_is_internal)
{
    ck_assert_int_eq(tm_err_by_name("NO_SUCH_THING", 13), TM_INTERNAL);
    ck_assert_int_eq(tm_err_by_name("BUSY", 3), TM_INTERNAL);
    ck_assert_int_eq(tm_err_by_name("", 0), TM_INTERNAL);
}
END_TEST

START_TEST(a_number_outside_the_table_is_internal)
{
    ck_assert_str_eq(tm_err_name((tm_err_t)9999), "INTERNAL");
    ck_assert_int_eq(tm_err_http(TM_ERR_COUNT), 500);
}
END_TEST

START_TEST(rows_say_what_may_be_tried_again)
{
    ck_assert(tm_err_retryable(TM_BUSY));
    ck_assert(tm_err_retryable(TM_QUEUE_FULL));
    ck_assert(!tm_err_retryable(TM_BAD_MESSAGE));
    ck_assert_int_eq(tm_err_http(TM_QUEUE_FULL), 429);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("error");
    TCase *rows = suite_case(suite, "rows", NULL, NULL);

    suite_tests(rows, every_row_has_name_text_and_a_possible_status,
                a_name_leads_back_to_its_row, an_unknown_name_is_internal,
                a_number_outside_the_table_is_internal, rows_say_what_may_be_tried_again);
    return suite_run(suite);
}
