tm_test(retention_sql unit/retention/test_retention_sql.c unit/retention/test_retention_data.c
        unit/retention/test_retention_traps.c unit/retention/retention_help.c unit/kit/queue_help.c
        LIBS tm_test_support)
set_tests_properties(retention_sql PROPERTIES SKIP_RETURN_CODE 77)
tm_test(retention_process unit/retention/test_retention_process.c unit/retention/retention_help.c unit/kit/queue_help.c
        support/command.c LIBS tm_test_support)
set_tests_properties(retention_process PROPERTIES SKIP_RETURN_CODE 77)
tm_test(http_retention unit/retention/test_http_retention.c support/reads_world.c
        LIBS tm_http tm_test_support PkgConfig::curl)
set_tests_properties(http_retention PROPERTIES SKIP_RETURN_CODE 77)
# waits for the beginning of a minute, which is when pg_cron looks
tm_test(retention_cron unit/retention/test_retention_cron.c unit/retention/retention_help.c unit/kit/queue_help.c
        support/command.c LIBS tm_test_support LABELS "integration")
set_tests_properties(retention_cron PROPERTIES SKIP_RETURN_CODE 77)
tm_test(cli_retention unit/retention/test_cli_retention.c unit/ops/cli_help.c unit/retention/retention_help.c
        unit/kit/queue_help.c support/command.c LIBS tm_test_support PkgConfig::jansson)
set_tests_properties(cli_retention PROPERTIES SKIP_RETURN_CODE 77)
# a whole system
tm_test(retention_canary canary/test_retention_canary.c support/system.c support/command.c
        LIBS tm_cli tm_test_support PkgConfig::curl LABELS "integration")
# The benchmark with 10^5 rows: fails where a lock is held or waited for as long as 2 s, where a run
# deletes anything else than what is too old, or where jobs and tunes do not go on beside it.
add_test(NAME retention_bench COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/bench/retention/run)
set_tests_properties(retention_bench PROPERTIES PROCESSORS 2 LABELS "integration"
  ENVIRONMENT "TUNEMILL=$<TARGET_FILE:tunemill>;ROWS=100000;ALONE_SECONDS=1")
