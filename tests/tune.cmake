# Tune requests, and the tune actor: its parts, one job against a private PostgreSQL, its process.
tm_test(tune_request unit/tune/test_tune_request.c unit/tune/test_tune_request_hash.c
        unit/tune/test_tune_request_body.c unit/tune/test_tune_request_grid.c
        unit/tune/tune_request_help.c LIBS tm_kit)
tm_test(verdict unit/tune/test_verdict.c LIBS tm_tune)
tm_test(tune_trials unit/tune/test_tune_trials.c LIBS tm_tune)
tm_test(tune_job unit/tune/test_tune_job.c unit/tune/test_tune_chosen.c unit/tune/test_tune_once.c
        unit/tune/test_tune_reading.c unit/tune/tune_job_help.c
        unit/engine/engine_help.c
        support/tune_world.c LIBS tm_tune tm_test_support)
tm_test(tune_process unit/tune/test_tune_process.c unit/proto/fake_broker.c support/tune_world.c
        LIBS tm_tune tm_test_support)
tm_test(recompute unit/tune/test_recompute.c unit/tune/test_recompute_more.c unit/tune/recompute_help.c support/tune_world.c
        LIBS tm_tune tm_test_support)
tm_test(recompute_server unit/tune/test_recompute_server.c unit/tune/recompute_server_help.c unit/proto/fake_broker.c support/tune_world.c
        LIBS tm_tune tm_test_support)
tm_test(rejections unit/tune/test_rejections.c unit/tune/tune_job_help.c support/tune_world.c LIBS tm_tune tm_test_support)
set_tests_properties(recompute recompute_server tune_job tune_process rejections PROPERTIES SKIP_RETURN_CODE 77)
tm_fuzz(tune_request fuzz/fuzz_tune_request.c LIBS tm_kit)
tm_fuzz(backtest_call fuzz/fuzz_backtest_call.c LIBS tm_kit)
# what the bridge checks and what the engine takes, side by side
foreach(target date param_space)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_kit tm_data tm_engine)
endforeach()
