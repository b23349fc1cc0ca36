tm_test(uuid unit/proto/test_uuid.c LIBS tm_proto)
tm_test(uuid_map unit/proto/test_uuid_map.c LIBS tm_proto tm_kit)
tm_test(error unit/proto/test_error.c LIBS tm_proto)
tm_test(message unit/proto/test_message.c LIBS tm_proto)
tm_test(dealer unit/proto/test_dealer.c LIBS tm_proto)
tm_test(handlers unit/proto/test_handlers.c LIBS tm_proto)
tm_test(client unit/proto/test_client.c unit/proto/client_help.c unit/proto/fake_broker.c LIBS tm_proto)
tm_test(worker unit/proto/test_worker.c unit/proto/worker_help.c unit/proto/fake_broker.c LIBS tm_proto)
tm_test(worker_loop unit/proto/test_worker_loop.c unit/proto/fake_broker.c LIBS tm_proto)
tm_test(curve unit/proto/test_curve.c LIBS tm_proto)
foreach(target message pairs requests)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_pairs tm_proto)
endforeach()

# What makes PROTOCOL.md is no part of what is shipped.
add_executable(protocol_doc support/protocol_doc.c)
target_link_libraries(protocol_doc PRIVATE tm_flags tm_proto)
add_test(NAME protocol_doc COMMAND sh -c
  "\"$1\" proto/PROTOCOL.md.in | diff -u proto/PROTOCOL.md -" sh $<TARGET_FILE:protocol_doc>
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
if(NOT TM_SANITIZE) # a sanitized library does not load into a plain program
  add_test(NAME installed_library COMMAND
    ${CMAKE_CURRENT_SOURCE_DIR}/clients/installed_library.sh
    ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR} ${CMAKE_C_COMPILER})
endif()

