tm_test(broker unit/broker/test_broker.c unit/broker/test_broker_workers.c unit/broker/broker_help.c support/peer.c
        LIBS tm_broker tm_test_support)
tm_test(broker_rules unit/broker/test_broker_rules.c unit/broker/test_broker_cancel.c
        unit/broker/test_broker_limits.c unit/broker/broker_rules_help.c
        support/broker_world.c support/peer.c LIBS tm_broker tm_test_support)
tm_test(broker_spawns unit/broker/test_broker_spawns.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support)
tm_test(broker_calls unit/broker/test_broker_calls.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support)
tm_test(federation unit/broker/test_federation.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support)
tm_test(broker_races unit/broker/test_broker_races.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support)
tm_test(broker_curve unit/broker/test_broker_curve.c unit/broker/test_broker_allow.c unit/broker/test_broker_start.c
        unit/broker/test_broker_roles.c
        support/curve_world.c support/peer.c LIBS tm_broker tm_test_support)
tm_test(broker_model unit/broker/test_broker_model.c unit/broker/broker_model.c unit/broker/broker_model_hear.c
        unit/broker/broker_model_steps.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support)
tm_test(broker_memory unit/broker/test_broker_memory.c unit/broker/broker_memory_help.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support)
tm_test(broker_end unit/broker/test_broker_end.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support)
set(judged 1)
if(TM_SANITIZE)
  set(judged 0)
endif()
target_compile_definitions(test_broker_memory PRIVATE MEMORY_IS_JUDGED=${judged})
if(TM_SANITIZE) # many times slower: the whole length runs without
  target_compile_definitions(test_broker_model PRIVATE MODEL_STEPS=20000)
else()
  target_compile_definitions(test_broker_model PRIVATE MODEL_STEPS=100000)
endif()
# The model allows ten rounds of words for a job that is on its way; beside other suites a claim may take longer, and
# one run in four was wrong about a job.
set_tests_properties(broker_model PROPERTIES RUN_SERIAL TRUE)
set_tests_properties(broker broker_end broker_rules broker_spawns broker_calls broker_races broker_curve broker_model broker_memory PROPERTIES SKIP_RETURN_CODE 77)

