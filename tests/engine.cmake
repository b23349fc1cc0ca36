# The engine's tests: pure functions, no database, no sockets.
set(engine_help unit/engine/engine_help.c)
foreach(module csv expr indicators backtest parity search tpe tune overfit)
  tm_test(${module} unit/engine/test_${module}.c ${engine_help} LIBS tm_engine)
endforeach()

foreach(target csv strategy expr decimal)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_engine)
endforeach()

add_executable(bench_engine bench/bench_engine.c)
target_link_libraries(bench_engine PRIVATE tm_flags tm_engine m)
