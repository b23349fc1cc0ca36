# The explain process: its parts, and the whole against a model that is a stub.
foreach(name prompt text_check)
  tm_test(${name} unit/explain/test_${name}.c LIBS tm_explain)
endforeach()
tm_test(explain_process unit/explain/test_explain_process.c unit/explain/test_explain_budget.c unit/explain/explain_help.c
        support/broker_world.c support/peer.c
        LIBS tm_broker tm_llm_stub tm_test_support)
add_dependencies(test_explain_process tunemill)
set_tests_properties(explain_process PROPERTIES SKIP_RETURN_CODE 77)
foreach(target text_check prompt)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_explain)
endforeach()
