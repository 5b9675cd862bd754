# parley_flatbuffers(TARGET name SCHEMAS a.fbs ...): an INTERFACE library whose headers are
# "schemas/generated/a_generated.h", made by flatc at build time.
find_program(FLATC flatc REQUIRED)

function(parley_flatbuffers)
  cmake_parse_arguments(F "" "TARGET" "SCHEMAS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated/schemas/generated)
  set(headers "")
  foreach(schema IN LISTS F_SCHEMAS)
    get_filename_component(stem ${schema} NAME_WE)
    set(header ${out}/${stem}_generated.h)
    add_custom_command(
      OUTPUT ${header}
      COMMAND ${FLATC} --cpp --scoped-enums --cpp-std c++17 --no-prefix -I ${CMAKE_SOURCE_DIR} -o ${out}
              ${CMAKE_CURRENT_SOURCE_DIR}/${schema}
      DEPENDS ${F_SCHEMAS}  # they include one another
      COMMENT "flatc ${schema}")
    list(APPEND headers ${header})
  endforeach()
  add_custom_target(${F_TARGET}_generate DEPENDS ${headers})
  add_library(${F_TARGET} INTERFACE)
  add_dependencies(${F_TARGET} ${F_TARGET}_generate)
  # SYSTEM: generated code and the library's headers are not held to our warnings.
  target_include_directories(${F_TARGET} SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/generated)
endfunction()
