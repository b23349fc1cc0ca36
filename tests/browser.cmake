# The pages in a real browser. 77: node, playwright-core or chromium is missing, and it is said what.
add_test(NAME browser COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/browser/run $<TARGET_FILE:tunemill>)
set_tests_properties(browser PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1500 LABELS "integration"
  RUN_SERIAL TRUE)
