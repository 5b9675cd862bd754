// The API's own document and the page that shows it, embedded at build time. Pure; any thread.
#ifndef PARLEY_BRIDGE_API_OPENAPI_ASSETS_H_
#define PARLEY_BRIDGE_API_OPENAPI_ASSETS_H_

#include <string_view>

namespace parley::api {

// The bytes of "openapi.json", "docs.html", "docs.css" or "docs.js", valid for the program's life; empty for
// another name.
std::string_view api_page(std::string_view name);

}  // namespace parley::api

#endif
