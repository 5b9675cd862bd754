// REST handlers of sign-in by OpenID Connect. Shapes: openapi.json, tag "auth". Threads: as Handler in
// routes.h; start and callback may wait for the provider.
#ifndef PARLEY_BRIDGE_API_OIDC_SIGN_IN_H_
#define PARLEY_BRIDGE_API_OIDC_SIGN_IN_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response list_providers(const http::Request& request, Context& context);
http::Response start_oidc(const http::Request& request, Context& context);
http::Response finish_oidc(const http::Request& request, Context& context);
http::Response register_oidc(const http::Request& request, Context& context);
http::Response link_oidc(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
