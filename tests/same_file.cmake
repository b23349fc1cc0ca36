# PROGRAM OUT writes a file; it must equal COMMITTED.
execute_process(COMMAND ${PROGRAM} ${OUT} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${OUT} ${COMMITTED} RESULT_VARIABLE different)
if(different)
  message(FATAL_ERROR "${COMMITTED} is not what ${PROGRAM} writes; run the target settings_file")
endif()
