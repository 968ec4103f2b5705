# room(NAME LINKS …): one static library per room of the house, and one test binary from the
# *_test.cpp files beside its sources. LINKS names the rooms and libraries it may use; PRECOMPILED
# what its sources begin with (precompile.cmake), if that is not the standard library.
function(room name)
    cmake_parse_arguments(ROOM "" "PRECOMPILED" "LINKS;TEST_LINKS" ${ARGN})
    if(NOT ROOM_PRECOMPILED)
        set(ROOM_PRECOMPILED standard)
    endif()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
    set(tests ${sources})
    list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    add_library(roost_${name} STATIC ${sources})
    target_include_directories(roost_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(roost_${name} PUBLIC ${ROOM_LINKS})
    use_precompiled(roost_${name} ${ROOM_PRECOMPILED})
    if(tests)
        find_package(GTest REQUIRED)
        add_executable(roost_${name}_test ${tests})
        target_link_libraries(roost_${name}_test roost_${name} ${ROOM_TEST_LINKS} GTest::gtest_main)
        target_compile_definitions(roost_${name}_test
                                   PRIVATE ROOST_SHARED_DIR="${CMAKE_SOURCE_DIR}/../shared"
                                           ROOST_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
        # What is optimised is what is tested; a test itself compiles in half the time without.
        target_compile_options(roost_${name}_test PRIVATE -O0)
        use_precompiled(roost_${name}_test standard_and_gtest)
        add_test(NAME ${name} COMMAND roost_${name}_test)
    endif()
endfunction()
