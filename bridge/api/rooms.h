// REST handlers of rooms: list, create, read, change, delete, join, leave, mute. Shapes: openapi.json, tag
// "rooms". Threads: as Handler in routes.h.
#ifndef PARLEY_BRIDGE_API_ROOMS_H_
#define PARLEY_BRIDGE_API_ROOMS_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response list_rooms(const http::Request& request, Context& context);
http::Response create_room(const http::Request& request, Context& context);
http::Response get_room(const http::Request& request, Context& context);
http::Response change_room(const http::Request& request, Context& context);
http::Response delete_room(const http::Request& request, Context& context);
http::Response join_room(const http::Request& request, Context& context);
http::Response leave_room(const http::Request& request, Context& context);
http::Response mute_room(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
