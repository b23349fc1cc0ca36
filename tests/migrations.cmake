tm_test(migrate unit/test_migrate.c LIBS tm_test_support)
set_tests_properties(migrate PROPERTIES SKIP_RETURN_CODE 77)
tm_test(queue_sql unit/test_queue_sql.c unit/queue_help.c LIBS tm_test_support)
set_tests_properties(queue_sql PROPERTIES SKIP_RETURN_CODE 77)
tm_test(coverage_sql unit/test_coverage_sql.c unit/test_coverage_score.c unit/coverage_help.c
        unit/queue_help.c
        LIBS tm_test_support)
set_tests_properties(coverage_sql PROPERTIES SKIP_RETURN_CODE 77)
