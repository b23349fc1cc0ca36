tm_test(broker unit/test_broker.c unit/test_broker_workers.c unit/broker_help.c support/peer.c
        LIBS tm_broker tm_test_support TIMEOUT 600)
tm_test(broker_rules unit/test_broker_rules.c unit/test_broker_cancel.c
        unit/test_broker_limits.c unit/broker_rules_help.c
        support/broker_world.c support/peer.c LIBS tm_broker tm_test_support TIMEOUT 600)
tm_test(broker_spawns unit/test_broker_spawns.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support TIMEOUT 600)
tm_test(broker_calls unit/test_broker_calls.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support TIMEOUT 600)
tm_test(fleet unit/test_fleet.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support)
tm_test(broker_races unit/test_broker_races.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support TIMEOUT 600)
tm_test(broker_curve unit/test_broker_curve.c unit/test_broker_allow.c support/curve_world.c
        support/peer.c LIBS tm_broker tm_test_support TIMEOUT 600)
tm_test(broker_end unit/test_broker_end.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support TIMEOUT 900)
tm_test(broker_model unit/test_broker_model.c unit/broker_model.c unit/broker_model_hear.c
        unit/broker_model_steps.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support TIMEOUT 600)
tm_test(broker_memory unit/test_broker_memory.c support/broker_world.c support/peer.c
        LIBS tm_broker tm_test_support TIMEOUT 600)
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
set_tests_properties(broker broker_end broker_rules broker_spawns broker_calls broker_races broker_curve broker_model broker_memory PROPERTIES SKIP_RETURN_CODE 77)

# they watch clocks: alone, so that a busy machine does not decide the outcome
set_tests_properties(broker broker_rules broker_spawns broker_calls broker_races PROPERTIES RUN_SERIAL ON)
