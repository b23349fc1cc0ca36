# The kit's tests, and what every room's tests stand on.
add_library(tm_pairs STATIC support/pairs.c)
target_link_libraries(tm_pairs PUBLIC tm_flags tm_proto)
add_library(tm_suite STATIC support/suite.c support/pace.c)
target_link_libraries(tm_suite PUBLIC tm_flags tm_pairs PkgConfig::check Threads::Threads m)
add_library(tm_test_support STATIC support/pg_suite.c support/pg_fixture.c support/pg_cluster.c support/pg_query.c support/kept.c support/pids.c
            support/scratch.c support/peak.c)
target_link_libraries(tm_test_support PUBLIC tm_flags tm_migrations tm_kit tm_proto PkgConfig::pq tm_suite)
# what is made once a build
target_compile_definitions(tm_test_support PRIVATE TM_KEPT="${CMAKE_BINARY_DIR}/tests/kept")

foreach(name log components traceparent digest metrics loop confined settings explain_call federation_text clock)
  tm_test(${name} unit/kit/test_${name}.c LIBS tm_kit)
endforeach()
tm_test(lru unit/kit/test_lru.c LIBS tm_kit)
tm_test(single_flight unit/kit/test_single_flight.c LIBS tm_kit)
tm_test(fields unit/kit/test_fields.c unit/kit/test_fields_written.c LIBS tm_fields)
tm_test(pg unit/kit/test_pg.c unit/kit/test_pg_faults.c support/pg_world.c LIBS tm_test_support)
set_tests_properties(pg PROPERTIES SKIP_RETURN_CODE 77)

# The actor that CONTRIBUTING.md shows, compiled as it stands there.
set(echo ${CMAKE_CURRENT_BINARY_DIR}/contributing/echo.c)
add_custom_command(OUTPUT ${echo}
  COMMAND ${CMAKE_COMMAND} -DIN=${CMAKE_SOURCE_DIR}/CONTRIBUTING.md "-DBEGIN=/* echo - " -DLIMIT=60
          -DOUT=${echo} -P ${CMAKE_CURRENT_SOURCE_DIR}/code_block.cmake
  DEPENDS ${CMAKE_SOURCE_DIR}/CONTRIBUTING.md code_block.cmake
  COMMENT "the actor of CONTRIBUTING.md" VERBATIM)
tm_test(contributing_actor unit/kit/test_contributing_actor.c ${echo} support/broker_world.c support/peer.c
        LIBS tm_service tm_test_support)
set_tests_properties(contributing_actor PROPERTIES SKIP_RETURN_CODE 77)

add_test(NAME settings_file COMMAND ${CMAKE_COMMAND}
  -DPROGRAM=$<TARGET_FILE:tm_settings_file> -DOUT=${CMAKE_CURRENT_BINARY_DIR}/tunemill.cfg
  -DCOMMITTED=${CMAKE_SOURCE_DIR}/config/tunemill.cfg
  -P ${CMAKE_CURRENT_SOURCE_DIR}/same_file.cmake)
set_tests_properties(settings_file PROPERTIES LABELS "unit")

foreach(target fields settings text log rows explain_call federation_text traceparent)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_kit)
endforeach()

