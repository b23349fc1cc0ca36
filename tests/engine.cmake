# The engine's tests: pure functions, no database, no sockets.
set(engine_help unit/engine/engine_help.c)
foreach(module bars expr indicators backtest parity choice search tpe overfit)
  tm_test(${module} unit/engine/test_${module}.c ${engine_help} LIBS tm_data tm_engine)
endforeach()
foreach(module tune tune_points)
  tm_test(${module} unit/engine/test_${module}.c unit/engine/tune_help.c ${engine_help} LIBS tm_data tm_engine)
endforeach()

# The reader of market data: the same, and what vendors write.
set(data_help unit/data/market_file.c)
tm_test(data unit/data/test_data.c ${engine_help} LIBS tm_data)
tm_test(data_values unit/data/test_data_values.c LIBS tm_data)
tm_test(data_refusals unit/data/test_data_refusals.c LIBS tm_data PkgConfig::zlib)
tm_test(data_cases unit/data/test_data_cases.c ${engine_help} LIBS tm_data)
set_tests_properties(data_cases PROPERTIES SKIP_RETURN_CODE 77)
tm_test(data_forms unit/data/test_data_forms.c ${data_help} LIBS tm_data)
tm_fuzz(data fuzz/fuzz_data.c LIBS tm_data)
add_executable(bench_data bench/bench_data.c ${data_help})
target_link_libraries(bench_data PRIVATE tm_flags tm_data m)

foreach(target strategy expr decimal)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_engine)
endforeach()

add_executable(bench_engine bench/bench_engine.c)
target_link_libraries(bench_engine PRIVATE tm_flags tm_data tm_engine m)
