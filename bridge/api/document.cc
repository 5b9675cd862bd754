#include "bridge/api/document.h"

#include <string>

#include "bridge/api/openapi/assets.h"

namespace parley::api {
namespace {

// Changes only with the program; asked again after an upgrade.
constexpr std::string_view kFresh = "public, max-age=300";
// The page may load its own style, script and document, and nothing else from anywhere.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

http::Response page(std::string_view name, std::string_view type) {
  return http::text(std::string(api_page(name)), type).header("Cache-Control", kFresh);
}

}  // namespace

http::Response get_document(const http::Request&, Context&) {
  return page("openapi.json", "application/json");
}

http::Response get_docs(const http::Request&, Context&) {
  return page("docs.html", "text/html; charset=utf-8").header("Content-Security-Policy", kPolicy);
}

http::Response get_docs_css(const http::Request&, Context&) {
  return page("docs.css", "text/css; charset=utf-8");
}

http::Response get_docs_js(const http::Request&, Context&) {
  return page("docs.js", "text/javascript; charset=utf-8");
}

}  // namespace parley::api
