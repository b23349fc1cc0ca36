# The rules of ops/house, on small trees that break them; then the program on this tree. Nothing is compiled: once, not
# with each sanitizer.
if(NOT TM_SANITIZE)
add_test(NAME house COMMAND ${TM_PYTHON} -B -m unittest discover -s ${CMAKE_CURRENT_SOURCE_DIR}/house)
add_test(NAME house_tree COMMAND ${TM_PYTHON} ${CMAKE_SOURCE_DIR}/ops/house)
add_test(NAME house_ways COMMAND ${TM_PYTHON} ${CMAKE_SOURCE_DIR}/ops/house --ways)
set_tests_properties(house house_tree house_ways PROPERTIES TIMEOUT 300 LABELS "unit")
endif()
