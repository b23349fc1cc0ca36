/* The chain against stubs of providers: the cases are in test_llm_*.c. */
#include <stdlib.h>

#include "tests/unit/explain/test_llm.h"
#include "tests/support/suite.h"

int
main(void)
{
    Suite *suite = suite_create("llm_chain");

    suite_add_tcase(suite, llm_complaints_case());
    suite_add_tcase(suite, llm_asks_case());
    suite_add_tcase(suite, llm_wire_case());
    suite_add_tcase(suite, llm_names_case());
    suite_add_tcase(suite, llm_table_case());
    return suite_run(suite);
}
