# What looks after the system: its parts, each probe against what it looks at, and the whole.
tm_test(health_window unit/health/test_health_window.c LIBS tm_health)
tm_test(health_cards unit/health/test_health_cards.c LIBS tm_http)
tm_test(health_probes unit/health/test_health_probes.c unit/health/test_health_database.c unit/health/test_health_processes.c
        unit/health/test_health_qdrant.c unit/health/health_help.c unit/health/fake_federation.c
        LIBS tm_health tm_llm_stub tm_test_support)
set_tests_properties(health_probes PROPERTIES SKIP_RETURN_CODE 77)
tm_test(health_webhooks unit/health/test_health_webhooks.c unit/health/health_help.c unit/health/fake_federation.c
        LIBS tm_health tm_llm_stub tm_test_support)
tm_test(health_system unit/health/test_health_system.c support/system.c support/command.c
        LIBS tm_cli tm_llm_stub tm_test_support PkgConfig::curl LABELS "integration")
tm_fuzz(qdrant fuzz/fuzz_qdrant.c LIBS tm_health)
