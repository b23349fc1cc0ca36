# The kit's tests, and what every room's tests stand on.
add_library(tm_test_support STATIC support/pg_fixture.c support/peak.c)
target_link_libraries(tm_test_support PUBLIC tm_flags tm_migrations tm_kit tm_proto PkgConfig::pq)

foreach(name log components traceparent digest metrics loop actor settings explain_call federation_text clock)
  tm_test(${name} unit/test_${name}.c LIBS tm_kit)
endforeach()
tm_test(fields unit/test_fields.c LIBS tm_fields)
tm_test(pg unit/test_pg.c unit/test_pg_faults.c support/pg_world.c LIBS tm_test_support)
set_tests_properties(pg PROPERTIES SKIP_RETURN_CODE 77)

add_test(NAME settings_file COMMAND ${CMAKE_COMMAND}
  -DPROGRAM=$<TARGET_FILE:tm_settings_file> -DOUT=${CMAKE_CURRENT_BINARY_DIR}/tunemill.cfg
  -DCOMMITTED=${CMAKE_SOURCE_DIR}/config/tunemill.cfg
  -P ${CMAKE_CURRENT_SOURCE_DIR}/support/same_file.cmake)
set_tests_properties(settings_file PROPERTIES LABELS "unit")

foreach(target fields settings text log rows explain_call federation_text traceparent)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_kit)
endforeach()

# they watch clocks: alone, so that a busy machine does not decide the outcome
set_tests_properties(pg PROPERTIES RUN_SERIAL ON)
