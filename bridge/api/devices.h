// REST handlers of the devices that get push messages, and of where to connect. Shapes: openapi.json, tags
// "devices" and "connect". Threads: as Handler in routes.h.
#ifndef PARLEY_BRIDGE_API_DEVICES_H_
#define PARLEY_BRIDGE_API_DEVICES_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response list_devices(const http::Request& request, Context& context);
http::Response put_device(const http::Request& request, Context& context);
http::Response delete_device(const http::Request& request, Context& context);
http::Response get_connect(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
