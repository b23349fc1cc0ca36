tm_test(http_headers unit/http/test_http_headers.c LIBS tm_http)
tm_test(http_tables unit/http/test_http_tables.c LIBS tm_http)
tm_test(openapi unit/http/test_openapi.c unit/http/test_openapi_schemas.c unit/http/openapi_document.c
        LIBS tm_http)
tm_test(http_form unit/http/test_http_form.c LIBS tm_http)
tm_test(http_text unit/http/test_http_text.c LIBS tm_http)
tm_test(admin_auth unit/http/test_admin_auth.c unit/http/test_admin_peers.c LIBS tm_http)
tm_test(authorize unit/http/test_authorize.c unit/http/test_http_login.c support/reads_world.c
        LIBS tm_http tm_test_support PkgConfig::curl)
tm_test(http_server unit/http/test_http_server.c unit/http/http_server_help.c LIBS tm_http PkgConfig::curl)
tm_test(http_reads unit/http/test_http_reads.c unit/http/test_http_refusals.c unit/http/test_http_leaderboard.c
        unit/http/test_http_stored.c
        unit/http/test_http_control.c unit/http/test_http_compare.c support/reads_world.c support/tune_world.c
        LIBS tm_http tm_tune tm_test_support PkgConfig::curl)
tm_test(http_runs unit/http/test_http_runs.c unit/http/test_http_backtest.c unit/http/http_runs_help.c
        support/reads_world.c support/tune_world.c
        support/broker_world.c support/peer.c
        LIBS tm_http tm_tune tm_broker tm_test_support PkgConfig::curl)
tm_test(backtest_asks unit/http/test_backtest_asks.c unit/proto/fake_broker.c LIBS tm_http)
set_tests_properties(http_reads http_runs PROPERTIES SKIP_RETURN_CODE 77)
tm_test(http_explain unit/http/test_http_explain.c unit/http/http_explain_help.c support/explain_stand_in.c support/reads_world.c
        support/broker_world.c support/peer.c
        LIBS tm_http tm_broker tm_test_support PkgConfig::curl)
tm_test(http_explain_match unit/http/test_http_explain_match.c support/explain_stand_in.c
        support/reads_world.c support/broker_world.c support/peer.c
        LIBS tm_http tm_broker tm_test_support PkgConfig::curl)
set_tests_properties(http_explain http_explain_match PROPERTIES SKIP_RETURN_CODE 77)
tm_test(explain_text unit/http/test_explain_text.c LIBS tm_http)
tm_test(http_web unit/http/test_http_web.c support/reads_world.c
        LIBS tm_http tm_test_support PkgConfig::curl)
tm_test(http_queues unit/http/test_http_queues.c unit/http/test_http_points.c support/reads_world.c
        LIBS tm_http tm_test_support PkgConfig::curl)
set_tests_properties(http_queues PROPERTIES SKIP_RETURN_CODE 77)
tm_test(match_request unit/http/test_match_request.c LIBS tm_http)
tm_test(http_match_runs unit/http/test_http_match_runs.c support/reads_world.c
        LIBS tm_http tm_test_support PkgConfig::curl)
tm_test(http_coverage unit/http/test_http_coverage.c unit/http/test_http_triage.c support/reads_world.c
        LIBS tm_http tm_test_support PkgConfig::curl)
set_tests_properties(http_match_runs http_coverage PROPERTIES SKIP_RETURN_CODE 77)
foreach(target idempotency_key query form headers route leaderboard
        ticket json_body address match_request)
  tm_fuzz(${target} fuzz/fuzz_${target}.c LIBS tm_http)
endforeach()
