# A whole system each: alone, so that time-outs mean something.
tm_test(canary canary/test_canary.c support/system.c support/command.c
        LIBS tm_cli tm_test_support PkgConfig::curl TIMEOUT 600 LABELS "integration")
add_dependencies(test_canary tunemill)
target_compile_definitions(test_canary PRIVATE TUNEMILL="$<TARGET_FILE:tunemill>")
set_tests_properties(canary PROPERTIES RUN_SERIAL ON)
