# The command line is tested as people use it: the built binary is run.
tm_test(cli_param_space unit/ops/test_cli_param_space.c LIBS tm_cli)
tm_test(cli_show unit/ops/test_cli_show.c LIBS tm_cli)
tm_test(supervisor_parts unit/ops/test_supervisor_parts.c LIBS tm_supervisor)
tm_test(up_words unit/ops/test_up_words.c LIBS tm_supervisor)
tm_test(cli unit/ops/test_cli.c support/command.c LIBS PkgConfig::jansson)
add_dependencies(test_cli tunemill)
tm_test(supervisor unit/ops/test_supervisor.c support/command.c LIBS tm_cli tm_test_support)
add_dependencies(test_supervisor tunemill)
# starts a whole system each time: alone, so that its time-outs mean something
set_tests_properties(supervisor PROPERTIES LABELS "integration")
tm_test(cli_queues unit/ops/test_cli_queues.c unit/ops/test_cli_workers.c unit/ops/test_cli_dead.c unit/ops/cli_help.c unit/kit/queue_help.c
        support/command.c LIBS tm_test_support PkgConfig::jansson)
add_dependencies(test_cli_queues tunemill)
set_tests_properties(cli_queues PROPERTIES SKIP_RETURN_CODE 77)
tm_fuzz(choices fuzz/fuzz_choices.c LIBS tm_cli)
add_test(NAME ops_scripts COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/unit/ops/test_scripts.sh
         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
# with one whole system
tm_test(cli_keys unit/ops/test_cli_keys.c support/system.c support/command.c
        LIBS tm_cli tm_test_support PkgConfig::curl LABELS "integration")
add_dependencies(test_cli_keys tunemill)
