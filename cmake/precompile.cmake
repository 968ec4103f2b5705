# Headers that most sources read, compiled once: a third of the time of a build.
#
# precompile(NAME HEADER OPTIONS …): compiles HEADER as the targets of this folder are compiled, with
# OPTIONS in addition.
# use_precompiled(TARGET NAME): all of TARGET's sources begin with it. TARGET needs the same OPTIONS.
#
# Beside it stands a .sum, its preprocessed text: by that, and not by the compiled header, which names
# its folder, ccache knows it again in another copy of this project.
function(precompile name header)
    set(output ${CMAKE_BINARY_DIR}/precompiled/${name}.pch)
    separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
    get_directory_property(options COMPILE_OPTIONS)
    set(compile ${CMAKE_CXX_COMPILER} ${CMAKE_CXX23_EXTENSION_COMPILE_OPTION} ${flags} ${options}
                ${ARGN} -x c++-header ${CMAKE_CURRENT_SOURCE_DIR}/${header})
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/precompiled)
    add_custom_command(
        OUTPUT ${output} ${output}.sum
        COMMAND ${compile} -E -P -dD -o ${output}.sum
        COMMAND ${compile} -fpch-instantiate-templates -MD -MT ${output} -MF ${output}.d -o ${output}
        DEPFILE ${output}.d
        COMMENT "Precompiling ${header}"
        VERBATIM)
    add_custom_target(precompiled_${name} DEPENDS ${output})
endfunction()

function(use_precompiled target name)
    target_compile_options(${target} PRIVATE "SHELL:-include-pch ${CMAKE_BINARY_DIR}/precompiled/${name}.pch")
    add_dependencies(${target} precompiled_${name})
endfunction()
