tm_test(migrate unit/kit/test_migrate.c LIBS tm_test_support)
set_tests_properties(migrate PROPERTIES SKIP_RETURN_CODE 77)
tm_test(queue_sql unit/kit/test_queue_sql.c unit/kit/test_queue_cancel.c unit/kit/queue_help.c LIBS tm_test_support)
set_tests_properties(queue_sql PROPERTIES SKIP_RETURN_CODE 77)
tm_test(coverage_sql unit/kit/test_coverage_sql.c unit/kit/test_coverage_triage.c unit/kit/test_coverage_score.c unit/kit/coverage_help.c
        unit/kit/queue_help.c
        LIBS tm_test_support)
set_tests_properties(coverage_sql PROPERTIES SKIP_RETURN_CODE 77)
