// REST handlers of invites. Shapes: openapi.json, tag "invites". Threads: as Handler in routes.h.
#ifndef PARLEY_BRIDGE_API_INVITES_H_
#define PARLEY_BRIDGE_API_INVITES_H_

#include <string>
#include <string_view>

#include "bridge/api/context.h"

namespace parley::api {

http::Response list_invites(const http::Request& request, Context& context);
http::Response create_invite(const http::Request& request, Context& context);
http::Response revoke_invite(const http::Request& request, Context& context);
http::Response get_invite(const http::Request& request, Context& context);
http::Response accept_invite(const http::Request& request, Context& context);

// Joining by a code, which comes by two routes. `only_room`: the code must lead there; empty: anywhere.
http::Response accept_code(const std::string& code, std::string_view only_room, const http::Request& request,
                           Context& context);

}  // namespace parley::api

#endif
