tm_test(migrate unit/test_migrate.c LIBS tm_test_support)
set_tests_properties(migrate PROPERTIES SKIP_RETURN_CODE 77)
