// REST handlers of the server's administration: accounts, rooms, limits, broker nodes. All are routed with
// Access::admin. Shapes: openapi.json, tag "admin". Threads: as Handler in routes.h.
#ifndef PARLEY_BRIDGE_API_ADMIN_H_
#define PARLEY_BRIDGE_API_ADMIN_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response admin_list_users(const http::Request& request, Context& context);
http::Response admin_get_user(const http::Request& request, Context& context);
http::Response admin_change_user(const http::Request& request, Context& context);
http::Response admin_list_sessions(const http::Request& request, Context& context);
http::Response admin_end_sessions(const http::Request& request, Context& context);
http::Response admin_end_session(const http::Request& request, Context& context);

http::Response admin_list_rooms(const http::Request& request, Context& context);
http::Response admin_change_room(const http::Request& request, Context& context);
http::Response admin_delete_room(const http::Request& request, Context& context);

http::Response admin_list_limits(const http::Request& request, Context& context);
http::Response admin_put_limits(const http::Request& request, Context& context);
http::Response admin_remove_limits(const http::Request& request, Context& context);

http::Response admin_broker(const http::Request& request, Context& context);
http::Response admin_kick(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
