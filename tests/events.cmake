tm_test(stream_text unit/events/test_stream_text.c support/event_reader.c LIBS tm_http)

tm_test(streams unit/events/test_streams.c unit/events/streams_help.c support/stream_pool.c support/event_reader.c support/nginx_proxy.c
        support/system.c support/command.c
        LIBS tm_cli tm_proto tm_test_support PkgConfig::curl PkgConfig::pq
        LABELS "integration")
add_dependencies(test_streams tunemill)
set_tests_properties(streams PROPERTIES SKIP_RETURN_CODE 77)

if(NOT TM_SANITIZE) # five hundred clients and a whole system, many times slower, say nothing more
# A whole system, and five hundred clients.
  tm_test(stream_reconnect unit/events/test_stream_reconnect.c support/stream_pool.c support/event_reader.c
          support/system.c support/command.c
          LIBS tm_cli tm_test_support PkgConfig::curl PkgConfig::pq LABELS "integration")
  add_dependencies(test_stream_reconnect tunemill)
  # side by side: one bus each
  set_tests_properties(stream_reconnect PROPERTIES SKIP_RETURN_CODE 77 ENVIRONMENT CK_RUN_CASE=table)
  add_test(NAME stream_reconnect_redis COMMAND test_stream_reconnect
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(stream_reconnect_redis PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1800
    LABELS "integration" ENVIRONMENT CK_RUN_CASE=redis)
endif()

# tests/bench/sse: the load, and what publishes to nchan and to us.
add_executable(sseload bench/sse/sseload.c bench/sse/sseopt.c bench/sse/ssestat.c
               bench/sse/ssetext.c)
add_executable(ssepub bench/sse/ssepub.c)
add_executable(eventpub bench/sse/eventpub.c)
target_link_libraries(eventpub PRIVATE PkgConfig::pq)
