// The HTTP server as a role of the process: health and metrics always, the REST API where it is wanted.
#include <memory>
#include <stdexcept>

#include "bridge/api/api.h"
#include "bridge/health.h"
#include "bridge/http/server.h"
#include "bridge/log.h"
#include "bridge/metrics.h"
#include "bridge/roles.h"
#include "storage/metadata.h"

namespace parley::bridge {
namespace {

using http::Endpoint;
using http::Method;
using http::Request;
using http::Response;

class HttpRole final : public Role {
 public:
  HttpRole(const Process& process, bool with_api)
      : process_(process),
        server_(process.config.http, process.config.auth.login_workers, process.config.auth.login_queue,
                process.metrics) {
    // On the I/O thread: they answer even when every worker waits for a database that is away.
    get("/health/live", [](const Request&) { return answer(Health::live()); });
    get("/health/ready", [&health = process.health](const Request&) { return answer(health.ready()); });
    get("/metrics", [&metrics = process.metrics](const Request&) {
      return http::text(metrics.text(), "text/plain; version=0.0.4; charset=utf-8");
    });
    if (!with_api) return;
    api_ = std::make_unique<api::Api>(process.config, process.metadata, &process.broker, process.metrics);
    api_->mount(server_);
  }

  std::string_view name() const override { return api_ ? "api" : "http"; }

  void check() const override { server_.check(); }
  void start() override {
    server_.start();
    log(LogLevel::info, "listening",
        {{"host", process_.config.http.host}, {"port", server_.port()}, {"api", api_ != nullptr}});
    if (api_) api_->check();
  }
  void stop() override { server_.stop(); }
  void reload() override {
    if (api_) api_->reload();
  }

  // The API needs Postgres for nearly everything; the pool's last calls tell without asking.
  std::vector<std::string> missing() const override { return {}; }

 private:
  static Response answer(const HealthAnswer& health) {
    return http::json_text(health.body, static_cast<unsigned>(health.status));
  }
  void get(const std::string& path, std::function<Response(const Request&)> handler) {
    server_.add(
        {.method = Method::get, .path = path, .handler = std::move(handler), .lane = Endpoint::Lane::io});
  }

  const Process& process_;
  std::unique_ptr<api::Api> api_;
  http::Server server_;  // stops before the Api goes
};

}  // namespace

std::unique_ptr<Role> make_http_role(const Process& process, bool with_api) {
  return std::make_unique<HttpRole>(process, with_api);
}

}  // namespace parley::bridge
