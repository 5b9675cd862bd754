// The table of the REST API: what the server does for which method and path, and who may ask. openapi.json is
// held to it by a test, both ways.
#ifndef PARLEY_BRIDGE_API_ROUTES_H_
#define PARLEY_BRIDGE_API_ROUTES_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "bridge/api/context.h"

namespace parley::api {

// Checked before the handler runs. What depends on a room's state is checked by storage, in the transaction.
enum class Access : std::uint8_t {
  open,      // anybody; limited by address
  optional,  // anybody, but a valid token is looked at, and then it is limited by user: the handler decides
  user,      // a valid token of any role, an API token with the route's scope; limited by user
  account,  // as user, of somebody who signed in; 403 for API tokens and services: a token that lies about in
            // a gadget must not end sessions, make more tokens, or take the account over
  admin,    // a valid token of an admin or a service; 403 for others
};

// Which threads run the handler.
enum class Lane : std::uint8_t {
  work,      // the workers: may wait for Postgres and the broker
  password,  // those few that may spend a CPU on Argon2id; anything else would wait behind them
};

// Runs on a worker thread, several at a time. An exception becomes 500 `internal` and a line in the log.
using Handler = http::Response (*)(const http::Request& request, Context& context);

struct Route {
  http::Method method;
  std::string_view path;
  Access access;
  Scope scope;  // of Access::user alone: what an API token needs
  Handler handler;
  Lane lane = Lane::work;
};

std::span<const Route> routes();

}  // namespace parley::api

#endif
