/* Bad inputs, each sent to a whole running system: all get the answer that is documented and
 * none does any harm. */
#include <check.h>

#include "tests/canary/bad_input.h"
#include "tests/support/suite.h"

static void
end_table(void)
{
    bad_done();
    ck_assert_msg(bad_failures() == 0, "%d faults, see above", bad_failures());
}

START_TEST(a_bad_request_is_refused)
{
    bad_http_run();
    end_table();
}
END_TEST

START_TEST(a_bad_form_or_file_is_refused)
{
    bad_form_run();
    end_table();
}
END_TEST

START_TEST(a_bad_message_is_refused)
{
    bad_broker_run();
    end_table();
}
END_TEST

START_TEST(after_all_of_them_a_good_tune_completes_and_nothing_is_left)
{
    bad_form_run_good();
    bad_system_check_end();
    end_table();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("bad_input");
    TCase *tcase = suite_case(suite, "system", NULL, NULL);

    tcase_add_unchecked_fixture(tcase, bad_system_start, bad_system_stop);
    suite_tests(tcase, a_bad_request_is_refused, a_bad_form_or_file_is_refused,
                a_bad_message_is_refused,
                after_all_of_them_a_good_tune_completes_and_nothing_is_left);
    return suite_run(suite);
}
