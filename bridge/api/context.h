// What a handler of the REST API works with beside the request.
#ifndef PARLEY_BRIDGE_API_CONTEXT_H_
#define PARLEY_BRIDGE_API_CONTEXT_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "bridge/api/scopes.h"
#include "bridge/http/request.h"
#include "bridge/http/response.h"
#include "config/bridge_config.h"
#include "schemas/token.h"

namespace parley::storage {
class Metadata;
}

namespace parley::bridge {
class BrokerLink;  // bridge/broker_link.h
}

namespace parley::api {

class Limits;    // bridge/api/limits.h
class Accounts;  // bridge/api/accounts.h: tokens, passwords, sign-in; of the auth handlers only

// Who sent the request: a verified token of a session that stands, of a user who is active.
struct Caller {
  std::string user;
  std::string device;
  std::string session;
  TokenRole role = TokenRole::user;
  bool admin = false;  // users.admin (but not for a gadget of that user's), or a service token
  std::string token;   // the id of the API token; empty: it is none
  Scopes scopes;       // of the API token, or all
  // Whose limits this uses up: a bot its owner's, unless an operator gave the bot a class of its own; as at
  // the broker (Facts::limited_as).
  std::string limited_as{};
  // By password, a provider, or a refresh token of such a session.
  bool signed_in() const { return !session.empty() && role != TokenRole::service; }
  // What a registration made with these credentials goes with.
  const std::string& credential() const { return signed_in() ? session : token; }
};

// What handlers share. Everything here is thread-safe and outlives every request.
struct Services {
  const BridgeConfig& config;
  storage::Metadata& metadata;
  bridge::BrokerLink* broker = nullptr;  // null: this process has none (some tests)
  Limits& limits;
  Accounts& accounts;
};

// Of one request. Lives on the worker that runs the handler.
struct Context {
  const BridgeConfig& config;
  storage::Metadata& metadata;
  bridge::BrokerLink* broker;
  Limits& limits;
  Accounts& accounts;
  Caller caller;                              // empty for Access::open, and where `refusal` is
  std::optional<http::Response> refusal;      // of Access::optional: why there is no caller
  std::chrono::system_clock::time_point now;  // when the request was taken up
  std::string request_id;
};

}  // namespace parley::api

#endif
