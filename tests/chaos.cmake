# The queue under faults, and the checker of what it promises: ops/dev chaos.
add_library(faulty_libc MODULE chaos/faulty_libc.c)
target_include_directories(faulty_libc PRIVATE ${CMAKE_SOURCE_DIR})
target_compile_definitions(faulty_libc PRIVATE _GNU_SOURCE)
target_compile_options(faulty_libc PRIVATE -Wall -Wextra) # nothing else: it goes into others' processes

add_executable(chaos
  chaos/main.c chaos/site.c chaos/faults.c chaos/sessions.c chaos/wire.c chaos/stranger.c
  chaos/producer.c chaos/worker.c chaos/kinds.c chaos/journal.c chaos/checker.c chaos/shared.c)
target_link_libraries(chaos PRIVATE tm_flags tm_proto tm_test_support PkgConfig::jansson
                      Threads::Threads)
add_dependencies(chaos tunemill faulty_libc)
set_target_properties(chaos PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
# a sanitizer's library has to be the first: there the clocks of ours do not jump
set(sanitized 0)
if(TM_SANITIZE)
  set(sanitized 1)
endif()
target_compile_definitions(chaos PRIVATE TUNEMILL="$<TARGET_FILE:tunemill>"
  CHAOS_LIBC="$<TARGET_FILE:faulty_libc>" CHAOS_SANITIZED=${sanitized})
# Every fault once; longer, with other seeds and by hand: ops/dev chaos.
if(NOT TM_SANITIZE) # the stack that a poisonous job overflows is the sanitizer's to report
  add_test(NAME chaos COMMAND keep $<TARGET_FILE:chaos> --seconds 60 --seed 1)
  set_tests_properties(chaos PROPERTIES LABELS chaos SKIP_RETURN_CODE 77 PROCESSORS 2)
endif()
