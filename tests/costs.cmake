# About how many seconds a suite takes: ctest begins with the longest, so that none is left for the
# end alone. Those that are not here take less than any of them.
set(costs
  browser 150
  alerts_live 120
  stream_reconnect 60
  stream_reconnect_redis 60
  broker_model 80
  chaos 70
  retention_cron 60
  retention_bench 60
  alerts_files 60
  supervisor 50
  trace 50
  canary 50
  bad_input 40
  retention_canary 40
  broker_rules 35
  broker_memory 35
  broker_curve 30
  http_explain 30
  health_system 30
  clients 30
  clients_node 30
  http_runs 25
  explain_process 25
  recompute 25
  streams 25
  health_probes 20
  llm_chain 20
  broker 20
  pg 20
  worker 15
  llm_canary 15
  cli_keys 15)
while(costs)
  list(POP_FRONT costs name cost)
  if(TEST ${name}) # not all are there in every build
    set_tests_properties(${name} PROPERTIES COST ${cost})
  endif()
endwhile()
