# A whole system each.
tm_test(canary canary/test_canary.c support/system.c support/command.c support/stream_pool.c
        support/event_reader.c
        LIBS tm_cli tm_test_support PkgConfig::curl LABELS "integration")
add_dependencies(test_canary tunemill)
# What is left of it when somebody kills it.
add_test(NAME killed_run COMMAND ${TM_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/canary/test_killed_run.py
         $<TARGET_FILE:keep> $<TARGET_FILE:test_canary> WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(killed_run PROPERTIES TIMEOUT 1800 LABELS "integration")

tm_test(llm_canary canary/test_llm_canary.c support/system.c support/command.c
        LIBS tm_cli tm_test_support PkgConfig::curl LABELS "integration")
add_dependencies(test_llm_canary tunemill)

add_executable(bench_submit bench/bench_submit.c support/system.c support/command.c
               support/tune_world.c)
target_link_libraries(bench_submit PRIVATE tm_flags tm_cli tm_tune tm_data tm_engine tm_test_support
                      PkgConfig::check PkgConfig::curl m)
add_dependencies(bench_submit tunemill)
target_compile_definitions(bench_submit PRIVATE TUNEMILL="$<TARGET_FILE:tunemill>")

tm_test(bad_input canary/test_bad_input.c canary/bad_input.c canary/bad_exchange.c
        canary/bad_http.c canary/bad_form.c canary/bad_files.c canary/bad_fields.c
        canary/bad_broker.c
        support/system.c support/command.c support/peer.c
        LIBS tm_cli tm_test_support PkgConfig::curl LABELS "integration")
add_dependencies(test_bad_input tunemill)
tm_test(curve_system canary/test_curve_system.c support/system.c support/command.c
        support/stream_pool.c support/event_reader.c
        LIBS tm_cli tm_llm_stub tm_test_support PkgConfig::curl LABELS "integration")
set_tests_properties(curve_system PROPERTIES SKIP_RETURN_CODE 77)
