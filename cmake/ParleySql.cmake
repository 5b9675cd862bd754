# parley_sql(TARGET name OUTPUT file.cc FILES 001_x.sql ...): a source file that holds the text of SQL files, made when
# CMake runs, which is again when one of them changes. Their numbers rise; one that is left out is nobody's.
function(parley_sql)
  cmake_parse_arguments(S "" "OUTPUT" "FILES" ${ARGN})
  set(entries "")
  set(number 0)
  foreach(file IN LISTS S_FILES)
    get_filename_component(name ${file} NAME_WE)
    if(NOT name MATCHES "^0*([1-9][0-9]*)_" OR NOT CMAKE_MATCH_1 GREATER number)
      message(FATAL_ERROR "${file}: the next migration's number is greater than ${number}")
    endif()
    set(number ${CMAKE_MATCH_1})
    file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${file} text)
    string(APPEND entries "    {${number}, \"${name}\", R\"~sql~(${text})~sql~\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  file(CONFIGURE OUTPUT ${S_OUTPUT} @ONLY CONTENT
    "#include \"schemas/migrations.h\"\n\nnamespace parley {\nnamespace {\nconstexpr Migration kMigrations[] = {\n@entries@};\n}  // namespace\n\nstd::span<const Migration> migrations() { return kMigrations; }\n\n}  // namespace parley\n")
endfunction()
