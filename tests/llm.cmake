# The chain of language models: its parts, the whole against stubs of providers, and the doctor.
pkg_check_modules(ssl REQUIRED IMPORTED_TARGET libssl)
add_library(tm_llm_stub STATIC support/llm/llm_stub.c support/llm/llm_stub_acts.c support/llm/llm_stub_text.c)
target_link_libraries(tm_llm_stub PUBLIC tm_flags PkgConfig::ssl PkgConfig::crypto PkgConfig::jansson
                      PkgConfig::check Threads::Threads)

foreach(name retry_after breaker llm_answers model_configs)
  tm_test(${name} unit/explain/test_${name}.c LIBS tm_llm)
endforeach()
tm_test(llm_chain unit/explain/test_llm_chain.c unit/explain/test_llm_complaints.c unit/explain/test_llm_asks.c unit/explain/test_llm_wire.c
        unit/explain/test_llm_names.c unit/explain/test_llm_table.c unit/explain/llm_help.c
        LIBS tm_llm tm_llm_stub ${CMAKE_DL_LIBS})
tm_test(cli_doctor unit/explain/test_cli_doctor.c support/command.c ${CMAKE_SOURCE_DIR}/ops/cli/doctor.c
        LIBS tm_llm tm_llm_stub)
add_dependencies(test_cli_doctor tunemill)

foreach(target llm_answer model_configs retry_after)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_llm)
endforeach()
