// REST handlers of a room's members and bans. Shapes: openapi.json, tag "members". Threads: as Handler in
// routes.h.
#ifndef PARLEY_BRIDGE_API_MEMBERS_H_
#define PARLEY_BRIDGE_API_MEMBERS_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response list_members(const http::Request& request, Context& context);
http::Response add_member(const http::Request& request, Context& context);
http::Response get_member(const http::Request& request, Context& context);
http::Response change_member(const http::Request& request, Context& context);
http::Response remove_member(const http::Request& request, Context& context);
http::Response list_bans(const http::Request& request, Context& context);
http::Response lift_ban(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
