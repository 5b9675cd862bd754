// One spelling for each JSON value, to tell whether two requests ask for the same. Pure.
#ifndef PARLEY_BRIDGE_HTTP_CANONICAL_JSON_H_
#define PARLEY_BRIDGE_HTTP_CANONICAL_JSON_H_

#include <string>
#include <string_view>

namespace parley::http {

// Members in the order of their names, of one given twice the last, no white space, whole numbers as integers
// (60.0 is 60), one escape for each character. Text that is no JSON is given back as it is; none is "{}", as
// bodies are read.
std::string canonical_json(std::string_view text);

}  // namespace parley::http

#endif
