# parley_module(NAME
#   [SOURCES a.cc ...]        a static library parley_NAME; leave out for a header-only module
#   [DEPS target ...]         public dependencies
#   [PRIVATE_DEPS target ...] libraries only the .cc files see (third-party ones, mostly)
#   [TESTS a_test.cc ...]     GoogleTest tests, one program NAME_test, each case run by CTest
#   [TEST_DEPS target ...]
#   [ONE_THREAD]              the module starts no thread and is used by one: ThreadSanitizer need not look at its tests
#   [BENCHES a_bench.cc ...]  Google Benchmark programs, built with PARLEY_BENCHMARKS
#   [FUZZERS a_fuzz.cc ...])  libFuzzer programs, built with PARLEY_FUZZ; corpus in tests/fuzz/corpus/a
#
# Includes are written from the repository's root: #include "schemas/ids.h".
include(GoogleTest)

# parley_unit_tests(program ...): the target unit_tests builds them, for who runs only `ctest -L unit`.
function(parley_unit_tests)
  set_property(GLOBAL APPEND PROPERTY PARLEY_UNIT_TESTS ${ARGN})
endfunction()

function(parley_module)
  cmake_parse_arguments(M "ONE_THREAD" "NAME" "SOURCES;DEPS;PRIVATE_DEPS;TESTS;TEST_DEPS;BENCHES;FUZZERS" ${ARGN})
  set(library parley_${M_NAME})
  if(M_SOURCES)
    add_library(${library} STATIC ${M_SOURCES})
    target_include_directories(${library} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${library} PUBLIC ${M_DEPS} PRIVATE ${M_PRIVATE_DEPS} Threads::Threads)
  else()
    add_library(${library} INTERFACE)
    target_include_directories(${library} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${library} INTERFACE ${M_DEPS})
  endif()
  if(M_TESTS AND NOT (M_ONE_THREAD AND PARLEY_SANITIZE STREQUAL "thread"))
    find_package(GTest REQUIRED)
    add_executable(${M_NAME}_test ${M_TESTS})
    target_link_libraries(${M_NAME}_test PRIVATE ${library} ${M_PRIVATE_DEPS} ${M_TEST_DEPS} GTest::gmock GTest::gtest_main)
    parley_unit_tests(${M_NAME}_test)
    gtest_discover_tests(${M_NAME}_test TEST_PREFIX ${M_NAME}/ PROPERTIES LABELS unit TIMEOUT 300
                         DISCOVERY_TIMEOUT 60)
  endif()
  if(PARLEY_BENCHMARKS AND M_BENCHES)
    find_package(benchmark REQUIRED)
    foreach(source IN LISTS M_BENCHES)
      get_filename_component(name ${source} NAME_WE)
      add_executable(${name} ${source})
      target_link_libraries(${name} PRIVATE ${library} ${M_PRIVATE_DEPS} ${M_TEST_DEPS} benchmark::benchmark)
    endforeach()
  endif()
  if(PARLEY_FUZZ AND M_FUZZERS)
    foreach(source IN LISTS M_FUZZERS)
      get_filename_component(name ${source} NAME_WE)
      add_executable(${name} ${source})
      target_link_libraries(${name} PRIVATE ${library} ${M_PRIVATE_DEPS} -fsanitize=fuzzer)
      set_property(GLOBAL APPEND PROPERTY PARLEY_FUZZERS ${name})
    endforeach()
  endif()
endfunction()
