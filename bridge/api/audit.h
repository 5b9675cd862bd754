// REST handler of the audit log; routed with Access::admin. Shape: openapi.json. Threads: as Handler in
// routes.h.
#ifndef PARLEY_BRIDGE_API_AUDIT_H_
#define PARLEY_BRIDGE_API_AUDIT_H_

#include "bridge/api/context.h"

namespace parley::api {

http::Response admin_audit(const http::Request& request, Context& context);

}  // namespace parley::api

#endif
