// The REST API as one object: what its handlers share, and the way from an HTTP request to a handler.
//
//   Api api(config, metadata, &broker_link, metrics);
//   api.mount(server);   // all of routes(), before server.start()
//   ...
//   server.stop();       // before the Api goes
//
// Thread-safe once built.
#ifndef PARLEY_BRIDGE_API_API_H_
#define PARLEY_BRIDGE_API_API_H_

#include <memory>

#include "bridge/api/context.h"
#include "bridge/api/routes.h"

namespace parley::http {
class Server;
}
namespace parley::bridge {
class Metrics;
}

namespace parley::api {

class Api {
 public:
  // All references outlive it; `broker` may be null. Throws std::runtime_error, saying what to do, when there
  // is no signing key or a provider's secret cannot be read.
  Api(const BridgeConfig& config, storage::Metadata& metadata, bridge::BrokerLink* broker,
      bridge::Metrics& metrics);
  ~Api();

  void mount(http::Server& server);
  // Looks at what is outside, by itself: the providers of sign-ins. Says in the log what is set up wrong.
  void check();
  // What a worker does for one request: limits, token, rights, handler.
  http::Response serve(const Route& route, const http::Request& request);
  // Reads the keys again (SIGHUP). Keeps the old ones, and says so in the log, when they are not in order.
  void reload();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::api

#endif
