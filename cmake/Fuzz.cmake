# SPDX-License-Identifier: GPL-2.0-only
# The fuzz targets (tests/fuzz): libFuzzer is clang's, so what they link is compiled once more, by clang++ and with
# sanitizers, whatever compiles the rest.
find_program(FUZZ_CXX clang++)

set(fuzz_dir ${CMAKE_BINARY_DIR}/fuzz)
file(MAKE_DIRECTORY ${fuzz_dir})
set(fuzz_sanitizers address,undefined)
set(fuzz_flags -std=c++20 -O1 -gline-tables-only -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS
    -fsanitize=fuzzer-no-link,${fuzz_sanitizers} -fno-sanitize-recover=all -I${CMAKE_SOURCE_DIR}
    -DEDGEFW_SOURCE_DIR="${CMAKE_SOURCE_DIR}" -DEDGEFW_SOURCE_PROFILES="${CMAKE_SOURCE_DIR}/profiles"
    -DEDGEFW_BUILD_DIR="${CMAKE_BINARY_DIR}" ${yaml-cpp_CFLAGS} ${cares_CFLAGS} ${zstd_CFLAGS})
set(fuzz_libraries ${yaml-cpp_LINK_LIBRARIES} ${cares_LINK_LIBRARIES} ${OPENSSL_CRYPTO_LIBRARY}
    ${zstd_LINK_LIBRARIES})

# Asked at each configuring until it is there: scripts/bootstrap may have brought it.
set(fuzz_missing "")
if(NOT FUZZ_CXX)
    set(fuzz_missing "no clang++ here")
elseif(NOT FUZZ_RUNTIME)
    file(WRITE ${fuzz_dir}/probe.cpp
        "#include <stddef.h>\nextern \"C\" int LLVMFuzzerTestOneInput(const char*, size_t) { return 0; }\n")
    execute_process(COMMAND ${FUZZ_CXX} -fsanitize=fuzzer,${fuzz_sanitizers} ${fuzz_dir}/probe.cpp -o ${fuzz_dir}/probe
        RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(failed)
        set(fuzz_missing "${FUZZ_CXX} has no -fsanitize=fuzzer,${fuzz_sanitizers} (Debian: libclang-rt-dev)")
    else()
        set(FUZZ_RUNTIME ON CACHE INTERNAL "clang++ links libFuzzer and the sanitizers")
    endif()
endif()
if(fuzz_missing)
    message(STATUS "Fuzz targets: left out, ${fuzz_missing}")
endif()

add_custom_target(fuzz ALL)
set(fuzz_prefix ${fuzz_dir}/prefix.pch)
if(NOT fuzz_missing)
    add_custom_command(
        OUTPUT ${fuzz_prefix}
        COMMAND ${FUZZ_CXX} ${fuzz_flags} -x c++-header -MD -MF ${fuzz_prefix}.d -MT ${fuzz_prefix}
                ${CMAKE_SOURCE_DIR}/tests/fuzz/prefix.h -o ${fuzz_prefix}
        DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/prefix.h
        DEPFILE ${fuzz_prefix}.d
        COMMENT "Fuzz prefix.h"
        VERBATIM)
endif()

# fuzz_object(VARIABLE SOURCE): the object that SOURCE becomes.
function(fuzz_object variable source)
    file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR} ${source})
    set(object ${fuzz_dir}/${name}.o)
    get_filename_component(folder ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(
        OUTPUT ${object}
        COMMAND ${FUZZ_CXX} ${fuzz_flags} -include-pch ${fuzz_prefix} -MD -MF ${object}.d -MT ${object}
                -c ${source} -o ${object}
        DEPENDS ${source} ${fuzz_prefix}
        DEPFILE ${object}.d
        COMMENT "Fuzz ${name}"
        VERBATIM)
    set(${variable} ${object} PARENT_SCOPE)
endfunction()

# fuzz_library(SOURCES...): what every target may link, one archive. Before the first fuzz_target().
function(fuzz_library)
    if(fuzz_missing)
        return()
    endif()
    foreach(source ${ARGN})
        fuzz_object(object ${source})
        list(APPEND objects ${object})
    endforeach()
    # Made anew: an object whose source is gone must not stay.
    add_custom_command(
        OUTPUT ${fuzz_dir}/edgefw.a
        COMMAND ${CMAKE_COMMAND} -E rm -f ${fuzz_dir}/edgefw.a
        COMMAND ${CMAKE_AR} rcs ${fuzz_dir}/edgefw.a ${objects}
        DEPENDS ${objects}
        COMMENT "Fuzz edgefw.a"
        VERBATIM)
endfunction()

# fuzz_target(NAME RUNS MAX_LEN SEEDS...): build/fuzz/NAME from tests/fuzz/NAME_fuzz.cpp, and the test unit.fuzz.NAME, which
# runs it RUNS times, always on the same inputs: the seeds, and mutations of them of up to MAX_LEN bytes.
# scripts/fuzz runs it for longer. An input that fails is kept as build/fuzz/NAME-crash-*. The timeout is of the wall clock,
# and generous: 20 seconds were too few for a starved process.
function(fuzz_target name runs max_len)
    if(fuzz_missing)
        add_test(NAME unit.fuzz.${name} COMMAND sh -c "echo '${fuzz_missing}: not run'; exit 77")
        set_tests_properties(unit.fuzz.${name} PROPERTIES LABELS unit SKIP_RETURN_CODE 77)
        return()
    endif()
    fuzz_object(object ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cpp)
    add_custom_command(
        OUTPUT ${fuzz_dir}/${name}
        COMMAND ${FUZZ_CXX} -fsanitize=fuzzer,${fuzz_sanitizers} ${object} ${fuzz_dir}/edgefw.a ${fuzz_libraries}
                -o ${fuzz_dir}/${name}
        DEPENDS ${object} ${fuzz_dir}/edgefw.a
        COMMENT "Fuzz ${name}"
        VERBATIM)
    add_custom_target(fuzz_${name} DEPENDS ${fuzz_dir}/${name})
    add_dependencies(fuzz fuzz_${name})
    # A list, because libFuzzer writes what it finds into a folder of seeds.
    file(GLOB seeds CONFIGURE_DEPENDS ${ARGN})
    list(JOIN seeds "," seeds)
    file(CONFIGURE OUTPUT ${fuzz_dir}/${name}.seeds CONTENT "${seeds}" @ONLY)
    add_test(NAME unit.fuzz.${name} COMMAND ${fuzz_dir}/${name} -runs=${runs} -seed=2007 -max_len=${max_len}
        -timeout=120 -report_slow_units=120 -artifact_prefix=${fuzz_dir}/${name}- -seed_inputs=@${fuzz_dir}/${name}.seeds)
    set_tests_properties(unit.fuzz.${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()
