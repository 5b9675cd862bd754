// REST handlers of sign-in by password, of sessions and of the public keys. Shapes: openapi.json, tag "auth".
// Threads: as Handler in routes.h; register_user, login and change_password hash passwords and belong on
// Lane::password.
#ifndef PARLEY_BRIDGE_API_AUTH_H_
#define PARLEY_BRIDGE_API_AUTH_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response register_user(const http::Request& request, Context& context);
http::Response login(const http::Request& request, Context& context);
http::Response refresh(const http::Request& request, Context& context);
http::Response logout(const http::Request& request, Context& context);
http::Response logout_all(const http::Request& request, Context& context);
http::Response change_password(const http::Request& request, Context& context);
http::Response list_sessions(const http::Request& request, Context& context);
http::Response end_session(const http::Request& request, Context& context);
http::Response get_jwks(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
