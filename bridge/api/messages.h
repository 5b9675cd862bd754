// REST handlers of messages: every one is a send through the broker in the caller's name, answered when it is
// durable. Shapes: openapi.json, tag "messages". Threads: as Handler in routes.h.
#ifndef PARLEY_BRIDGE_API_MESSAGES_H_
#define PARLEY_BRIDGE_API_MESSAGES_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response send_message(const http::Request& request, Context& context);
http::Response edit_message(const http::Request& request, Context& context);
http::Response delete_message(const http::Request& request, Context& context);
http::Response react(const http::Request& request, Context& context);
http::Response unreact(const http::Request& request, Context& context);
http::Response pin_message(const http::Request& request, Context& context);
http::Response unpin_message(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
