#include "bridge/api/api.h"

#include <atomic>

#include "bridge/api/accounts.h"
#include "bridge/api/in_step.h"
#include "bridge/api/limits.h"
#include "bridge/http/server.h"
#include "bridge/log.h"
#include "bridge/metrics.h"
#include "storage/call_budget.h"
#include "storage/committed_version.h"

namespace parley::api {
namespace {

// What a request may take of the database, from its arrival on and the wait for a worker included: whatever
// Postgres does, there is an answer within 2 s.
constexpr std::chrono::milliseconds kDatabaseTime{1800};

http::Response too_many(std::chrono::milliseconds wait) {
  return http::rate_limited("too many requests; wait before the next one", wait);
}

http::Endpoint::Lane lane_of(Lane lane) {
  return lane == Lane::work ? http::Endpoint::Lane::work : http::Endpoint::Lane::password;
}

}  // namespace

struct Api::Impl {
  const BridgeConfig& config;
  storage::Metadata& metadata;
  bridge::BrokerLink* broker;
  Limits limits;
  Accounts accounts;

  Context context(const http::Request& request) {
    return {.config = config,
            .metadata = metadata,
            .broker = broker,
            .limits = limits,
            .accounts = accounts,
            .caller = {},
            .refusal = {},
            .now = std::chrono::system_clock::now(),
            .request_id = request.id};
  }
  std::optional<http::Response> admit(const Route& route, const http::Request& request, Context& context);
  std::optional<http::Response> admit_nobody(const Route& route, const http::Request& request);

  // Not for a while after it was in vain: who feeds the brokers is away then, or they hang.
  void wait_for_brokers(std::uint64_t version) {
    using std::chrono::steady_clock;
    constexpr std::chrono::seconds kNotForThisLong{1};
    if (broker == nullptr || steady_clock::now().time_since_epoch().count() < not_before.load()) return;
    if (!wait_until_in_step(*broker, version))
      not_before = (steady_clock::now() + kNotForThisLong).time_since_epoch().count();
  }
  std::atomic<std::chrono::steady_clock::rep> not_before{0};
};

Api::Api(const BridgeConfig& config, storage::Metadata& metadata, bridge::BrokerLink* broker,
         bridge::Metrics& metrics)
    : impl_(new Impl{config, metadata, broker, Limits(config.limits), Accounts(config, metadata, metrics)}) {}
Api::~Api() = default;

void Api::mount(http::Server& server) {
  for (const Route& route : routes()) {
    server.add({.method = route.method,
                .path = std::string(route.path),
                .handler = [this, &route](const http::Request& request) { return serve(route, request); },
                .lane = lane_of(route.lane)});
  }
}

void Api::check() { impl_->accounts.providers.check(); }

void Api::reload() { impl_->accounts.keys.reload(); }

// Of somebody without a good token. One who shows whose they are, by a token that has expired say, does not
// share a budget with the others behind that address.
std::optional<http::Response> Api::Impl::admit_nobody(const Route& route, const http::Request& request) {
  const auto authorization = request.header("Authorization");
  const auto holder = authorization ? accounts.gate.holder(*authorization) : std::nullopt;
  const auto wait = holder ? limits.request_of(*holder) : limits.open_request(request.remote, route.path);
  return wait.count() > 0 ? std::optional(too_many(wait)) : std::nullopt;
}

// Fills in the caller, or gives the answer that ends the request.
std::optional<http::Response> Api::Impl::admit(const Route& route, const http::Request& request,
                                               Context& context) {
  if (route.access == Access::open) return admit_nobody(route, request);
  // An address that has sent many made-up tokens waits, so that trying them out costs it, not the database.
  // Tokens that are good are good there all the same.
  const std::string authorization(request.header("Authorization").value_or(""));
  const auto wait_to_guess = limits.guess_wait(request.remote);
  if (wait_to_guess.count() > 0 && accounts.gate.looks_up(authorization)) return too_many(wait_to_guess);
  auto caller = accounts.gate.admit(authorization, context.now);
  if (!caller) {
    Gate::Refusal refusal = caller.error();
    const bool absent = authorization.empty() && route.access == Access::optional;
    if (refusal.guess && !absent) {
      if (wait_to_guess.count() > 0) return too_many(wait_to_guess);
      limits.guess(request.remote);
    }
    if (route.access != Access::optional || refusal.response.status != 401) return refusal.response;
    context.refusal = std::move(refusal.response);
    return admit_nobody(route, request);
  }
  context.caller = *std::move(caller);
  if (context.caller.role != TokenRole::service) {
    if (const auto wait = limits.request_of(context.caller.limited_as); wait.count() > 0)
      return too_many(wait);
  }
  if (!context.caller.scopes.has(route.scope)) {
    const std::string scope(to_string(route.scope));
    return http::forbidden("this API token has not the scope \"" + scope +
                           "\"; make one that has at /api/v1/users/me/tokens")
        .header("WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"" + scope + "\"");
  }
  if (route.access == Access::account && !context.caller.signed_in()) {
    return http::forbidden("only somebody who signed in may do that, not an API token or a service");
  }
  if (route.access == Access::admin && !context.caller.admin) {
    return http::forbidden("only admins of this server may do that");
  }
  return std::nullopt;
}

http::Response Api::serve(const Route& route, const http::Request& request) {
  const auto until = request.arrived + kDatabaseTime;
  if (std::chrono::steady_clock::now() >= until)
    return http::unavailable("the server has more to do than it can; try again in a moment");
  const storage::CallBudget budget(until);
  Context context = impl_->context(request);
  if (auto refusal = impl_->admit(route, request, context)) return *std::move(refusal);
  storage::CommittedVersion::take();  // an earlier request's
  http::Response response = route.handler(request, context);
  const std::uint64_t version = storage::CommittedVersion::take();
  if (version != 0) impl_->wait_for_brokers(version);
  return response;
}

}  // namespace parley::api
