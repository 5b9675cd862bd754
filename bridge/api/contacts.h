// REST handlers of contacts and blocks. Shapes: openapi.json, tag "people". Threads: as Handler in routes.h.
#ifndef PARLEY_BRIDGE_API_CONTACTS_H_
#define PARLEY_BRIDGE_API_CONTACTS_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response list_contacts(const http::Request& request, Context& context);
http::Response put_contact(const http::Request& request, Context& context);
http::Response remove_contact(const http::Request& request, Context& context);

http::Response list_blocks(const http::Request& request, Context& context);
http::Response block_user(const http::Request& request, Context& context);
http::Response unblock_user(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
