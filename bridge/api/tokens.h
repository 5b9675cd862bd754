// REST handlers of API tokens, the passwords of bots and devices. Shapes: openapi.json, tag "tokens".
// Threads: as Handler in routes.h.
#ifndef PARLEY_BRIDGE_API_TOKENS_H_
#define PARLEY_BRIDGE_API_TOKENS_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response list_tokens(const http::Request& request, Context& context);
http::Response create_token(const http::Request& request, Context& context);
http::Response delete_token(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
