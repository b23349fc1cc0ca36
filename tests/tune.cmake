# Tune requests, and the tune actor against a private PostgreSQL.
tm_test(tune_job unit/test_tune_job.c support/tune_world.c LIBS tm_tune tm_test_support TIMEOUT 600)
set_tests_properties(tune_job PROPERTIES SKIP_RETURN_CODE 77)
