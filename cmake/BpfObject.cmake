# SPDX-License-Identifier: GPL-2.0-only
# bpf_object(NAME SOURCE): compiles SOURCE for the BPF target, strips its DWARF (BTF stays) and
# generates NAME.skel.h. Link NAME_skel to get the header on the include path, with libbpf.
find_program(BPF_CLANG clang REQUIRED)
find_program(BPF_STRIP llvm-strip REQUIRED)
find_program(BPFTOOL bpftool REQUIRED PATHS /usr/sbin /sbin)

set(BPF_FLAGS -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -I${CMAKE_SOURCE_DIR})
if(CMAKE_LIBRARY_ARCHITECTURE) # where Debian keeps asm/types.h
    list(APPEND BPF_FLAGS -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
endif()

add_custom_target(skeletons) # all of them, for clang-tidy
add_custom_target(bpf_tidy)  # clang-tidy of bpf/ itself, by bpf/.clang-tidy
find_program(CLANG_TIDY clang-tidy)

function(bpf_object name source)
    set(dir ${CMAKE_BINARY_DIR}/bpf/${name})
    set(object ${dir}/${name}.bpf.o)
    set(skeleton ${dir}/${name}.skel.h)
    file(MAKE_DIRECTORY ${dir})

    add_custom_command(
        OUTPUT ${object}
        COMMAND ${BPF_CLANG} ${BPF_FLAGS} -MD -MF ${object}.d -MT ${object}
                -c ${CMAKE_SOURCE_DIR}/${source} -o ${object}
        COMMAND ${BPF_STRIP} -g ${object}
        DEPENDS ${CMAKE_SOURCE_DIR}/${source}
        DEPFILE ${object}.d
        COMMENT "BPF ${source}"
        VERBATIM)
    # Through a second file, so that a failing bpftool leaves no empty header behind.
    add_custom_command(
        OUTPUT ${skeleton}
        COMMAND ${BPFTOOL} gen skeleton ${object} name ${name}_bpf > ${skeleton}.new
        COMMAND ${CMAKE_COMMAND} -E rename ${skeleton}.new ${skeleton}
        DEPENDS ${object}
        COMMENT "Skeleton ${name}.skel.h"
        VERBATIM)
    add_custom_target(${name}_skel_header DEPENDS ${skeleton})
    add_dependencies(skeletons ${name}_skel_header)

    if(CLANG_TIDY AND source MATCHES "^bpf/")
        add_custom_target(${name}_tidy
            COMMAND ${CLANG_TIDY} --quiet ${CMAKE_SOURCE_DIR}/${source} -- ${BPF_FLAGS}
            COMMENT "clang-tidy ${source}"
            VERBATIM)
        add_dependencies(bpf_tidy ${name}_tidy)
    endif()

    add_library(${name}_skel INTERFACE)
    target_include_directories(${name}_skel SYSTEM INTERFACE ${dir})
    target_link_libraries(${name}_skel INTERFACE PkgConfig::libbpf)
    add_dependencies(${name}_skel ${name}_skel_header)
endfunction()
