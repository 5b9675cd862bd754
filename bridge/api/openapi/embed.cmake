# cmake -DSOURCES=folder -DPAGES=a;b -DOUT=x.cc -P embed.cmake: files as arrays of bytes, looked up by name.
set(text "#include \"bridge/api/openapi/assets.h\"\n\nnamespace parley::api {\nnamespace {\n\n")
set(lookup "")
foreach(page IN LISTS PAGES)
  file(READ "${SOURCES}/${page}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(MAKE_C_IDENTIFIER "k_${page}" name)
  string(APPEND text "constexpr char ${name}[] = {${bytes}};\n")
  string(APPEND lookup "  if (name == \"${page}\") return {${name}, sizeof(${name})};\n")
endforeach()
string(APPEND text "\n}  // namespace\n\nstd::string_view api_page(std::string_view name) {\n${lookup}  return {};\n}\n\n"
                   "}  // namespace parley::api\n")
file(WRITE "${OUT}" "${text}")
