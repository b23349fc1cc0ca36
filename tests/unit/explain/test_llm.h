/* test_llm - the cases of the program test_llm_chain, one file each. */
#ifndef TESTS_UNIT_EXPLAIN_TEST_LLM_H
#define TESTS_UNIT_EXPLAIN_TEST_LLM_H

#include <check.h>

TCase *llm_table_case(void);
TCase *llm_complaints_case(void);
TCase *llm_asks_case(void);
TCase *llm_wire_case(void);
TCase *llm_names_case(void);

#endif
