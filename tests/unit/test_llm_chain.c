/* The chain against stubs of providers: the cases are in test_llm_*.c. */
#include <stdlib.h>

#include "tests/unit/test_llm.h"

int
main(void)
{
    SRunner *runner;
    Suite *suite = suite_create("llm_chain");
    int failed;

    suite_add_tcase(suite, llm_complaints_case());
    suite_add_tcase(suite, llm_asks_case());
    suite_add_tcase(suite, llm_names_case());
    suite_add_tcase(suite, llm_table_case());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
