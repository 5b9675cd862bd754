// Serves the API's own description and the page that shows it. Threads: as Handler in routes.h.
#ifndef PARLEY_BRIDGE_API_DOCUMENT_H_
#define PARLEY_BRIDGE_API_DOCUMENT_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response get_document(const http::Request& request, Context& context);
http::Response get_docs(const http::Request& request, Context& context);
http::Response get_docs_css(const http::Request& request, Context& context);
http::Response get_docs_js(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
