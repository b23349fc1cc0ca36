# What is told to Sentry: its parts, a process against a stub, and one trace through a whole system.
add_library(tm_sentry_stub STATIC support/sentry_world.c)
target_link_libraries(tm_sentry_stub PUBLIC tm_llm_stub PkgConfig::jansson PkgConfig::check)

tm_test(sentry_parts unit/kit/test_sentry_parts.c LIBS tm_sentry)
tm_test(sentry unit/kit/test_sentry.c unit/kit/test_sentry_refusals.c unit/kit/sentry_help.c
        LIBS tm_sentry tm_sentry_stub)

foreach(target sentry_dsn sentry_limits)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_sentry)
endforeach()

# a whole system each
tm_test(trace canary/test_trace.c support/system.c support/command.c
        LIBS tm_cli tm_sentry_stub tm_test_support PkgConfig::curl LABELS "integration")
tm_test(secrets canary/test_secrets.c support/system.c support/command.c
        LIBS tm_cli tm_sentry_stub tm_test_support PkgConfig::curl LABELS "integration")
set_tests_properties(secrets PROPERTIES SKIP_RETURN_CODE 77)
