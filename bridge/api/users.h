// REST handlers of accounts: one's own, others' public side, bots. Shapes: openapi.json, tag "users".
// Threads: as Handler in routes.h.
#ifndef PARLEY_BRIDGE_API_USERS_H_
#define PARLEY_BRIDGE_API_USERS_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response get_me(const http::Request& request, Context& context);
http::Response change_me(const http::Request& request, Context& context);
http::Response delete_me(const http::Request& request, Context& context);
http::Response get_user(const http::Request& request, Context& context);
http::Response search_users(const http::Request& request, Context& context);
http::Response list_bots(const http::Request& request, Context& context);
http::Response create_bot(const http::Request& request, Context& context);
http::Response delete_bot(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
