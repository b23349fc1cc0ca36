# Clients of other languages, which know nothing but PROTOCOL.md, in Python and Node.js. 77: what they
# need is missing, and they say what.
set(clients ${CMAKE_CURRENT_SOURCE_DIR}/clients)

# as after an installation: #include <tunemill/worker.h>
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/proto ${CMAKE_BINARY_DIR}/include/tunemill SYMBOLIC)
add_executable(client_worker clients/worker.c)
target_include_directories(client_worker PRIVATE ${CMAKE_BINARY_DIR}/include)
target_link_libraries(client_worker PRIVATE tm_proto)

function(tm_client_test name)
  add_test(NAME ${name} COMMAND keep ${TM_PYTHON} ${ARGN})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1800 LABELS "integration"
    ENVIRONMENT "TUNEMILL=$<TARGET_FILE:tunemill>;C_WORKER=$<TARGET_FILE:client_worker>")
endfunction()

tm_client_test(clients_wire ${clients}/test_wire.py PythonAgrees)
tm_client_test(clients_wire_node ${clients}/test_wire.py NodeAgrees)
tm_client_test(clients ${clients}/test_clients.py Python)
tm_client_test(clients_node ${clients}/test_clients.py Node)
