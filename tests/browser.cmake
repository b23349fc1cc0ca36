# The pages in a real browser. 77: node, playwright-core or chromium is missing, and it is said what.
if(NOT TM_SANITIZE) # nothing of the pages runs in our programs
add_test(NAME browser COMMAND keep ${CMAKE_CURRENT_SOURCE_DIR}/browser/run $<TARGET_FILE:tunemill>)
set_tests_properties(browser PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 3600 LABELS "integration")
endif()
