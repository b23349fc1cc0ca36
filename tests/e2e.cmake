# A whole system, each of whose answers is held to openapi.json: every operation, and all that it may answer.
# 77: Python's pytest or jsonschema is missing, and it is said which.
add_test(NAME openapi_conformance
  COMMAND ${TM_PYTHON} -B -m pytest -q -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/e2e)
set_tests_properties(openapi_conformance PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1800 LABELS "integration"
  ENVIRONMENT "TUNEMILL=$<TARGET_FILE:tunemill>")
