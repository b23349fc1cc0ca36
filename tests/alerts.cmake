# Alerts, their tests, runbooks and the dashboard, as files; and the alerts of a real system under a real
# Prometheus. 77: promtool, prometheus or Python's yaml is missing, and it is said which.
if(NOT TM_SANITIZE) # what it looks at is not in our programs
add_test(NAME alerts_files COMMAND keep ${TM_PYTHON} ${CMAKE_SOURCE_DIR}/ops/prometheus/check)
set_tests_properties(alerts_files PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 3600 LABELS "unit")
add_test(NAME alerts_live COMMAND keep ${TM_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/alerts/test_alerts.py)
set_tests_properties(alerts_live PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 3600 LABELS "integration"
  ENVIRONMENT "TUNEMILL=$<TARGET_FILE:tunemill>")
endif()
