// A request's bytes, all the way: the reader, the target, the router, and the handlers of rooms, people,
// messages and administration with their queries, cursors, bodies, If-Match and Idempotency-Key, up to the
// first question to the database, which is away. Whatever comes in, what goes out is an answer of ours: a
// status of the document, JSON, headers of one line each.
#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstdlib>
#include <memory>
#include <optional>

#include "bridge/api/limits.h"
#include "bridge/api/routes.h"
#include "bridge/api/testing/absent_metadata.h"
#include "bridge/api/testing/fake_broker_link.h"
#include "bridge/http/canonical_json.h"
#include "bridge/http/client_address.h"
#include "bridge/http/fields.h"
#include "bridge/http/request_reader.h"
#include "bridge/http/router.h"
#include "bridge/http/target.h"

namespace {

using namespace parley;

void require(bool holds) {
  if (!holds) std::abort();
}

// Those of auth and accounts need keys, passwords and time; their bodies are read by the same Fields.
bool is_ours(const api::Route& route) {
  constexpr std::array<std::string_view, 6> kStarts = {
      "/api/v1/rooms",           "/api/v1/invites", "/api/v1/users/me/contacts",
      "/api/v1/users/me/blocks", "/api/v1/admin",   "/api/v1/openapi.json"};
  return route.path.ends_with("/block") || std::any_of(kStarts.begin(), kStarts.end(), [&](auto start) {
           return route.path.starts_with(start);
         });
}

struct World {
  World() {
    for (std::size_t i = 0; i < api::routes().size(); ++i) {
      if (is_ours(api::routes()[i])) router.add(api::routes()[i].method, api::routes()[i].path, i);
    }
  }
  BridgeConfig config;
  std::unique_ptr<storage::Metadata> metadata = storage::make_absent_metadata();
  api::Limits limits{config.limits};
  alignas(64) std::array<char, 64> no_accounts{};  // a reference is needed; no handler here looks behind it
  http::Router router;
};

bool is_one_line(std::string_view text) { return text.find_first_of("\r\n") == std::string_view::npos; }

void check_answer(const http::Response& response) {
  require(response.status >= 200 && response.status < 600);
  for (const http::Parameter& header : response.headers)
    require(is_one_line(header.name) && is_one_line(header.value));
  if (response.status == 204) return require(response.body.empty());
  boost::system::error_code error;
  const boost::json::value body = boost::json::parse(response.body, error);
  require(!error && body.is_object());
  if (response.status < 400) return;
  const boost::json::object& refusal = body.get_object().at("error").as_object();
  require(!refusal.at("code").as_string().empty() && !refusal.at("message").as_string().empty());
}

void check_edges(const http::Request& request) {
  http::Page page;
  if (!http::read_page(request, page)) require(page.limit >= 1 && page.limit <= http::kMaxPage);
  std::optional<std::string> key;
  if (!http::read_idempotency_key(request, key) && key) {
    require(!key->empty() && key->size() <= 64);
    require(std::all_of(key->begin(), key->end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
  }
  http::if_match(request);
  const http::ClientAddress peer;
  const http::ClientAddress client = http::client_address(request, peer, {});
  require(http::ClientAddress::parse(client.to_string()) == client);
  require(http::AddressRange::parse(client.network()).value().contains(client));
  http::canonical_json(request.body);
  for (const http::Parameter& parameter : request.query_parameters) {
    require(http::percent_decode(http::percent_encode(parameter.value)) == parameter.value);
    require(parameter.value.find('\0') == std::string::npos);
  }
}

void serve(World& world, http::Request& request) {
  check_edges(request);
  const http::Router::Match match = world.router.match(request.method, request.path);
  if (match.outcome != http::Router::Outcome::found) return;
  request.path_parameters = match.parameters;
  bridge::FakeBrokerLink broker;
  api::Context context{world.config,
                       *world.metadata,
                       &broker,
                       world.limits,
                       reinterpret_cast<api::Accounts&>(world.no_accounts),
                       {.user = "alice",
                        .device = "phone",
                        .session = "s-1",
                        .role = TokenRole::user,
                        .admin = true,
                        .token = {},
                        .scopes = api::Scopes::all()},
                       std::nullopt,
                       std::chrono::system_clock::time_point(std::chrono::seconds(1'763'683'200)),
                       "r-1"};
  check_answer(api::routes()[match.route].handler(request, context));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  http::RequestReader reader(std::size_t{16} << 10, std::size_t{64} << 10);
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (int requests = 0; requests < 4; ++requests) {
    while (reader.state() != http::RequestReader::State::done) {
      if (reader.state() == http::RequestReader::State::failed) {
        check_answer(http::problem(reader.fault()));
        return 0;
      }
      if (reader.state() == http::RequestReader::State::head) {
        reader.read_body();
        continue;
      }
      const std::size_t used = reader.feed(bytes);
      require(used <= bytes.size());
      bytes.remove_prefix(used);
      const bool waits = reader.state() == http::RequestReader::State::reading_head ||
                         reader.state() == http::RequestReader::State::reading_body;
      if (used == 0 && waits) return 0;  // wants more than there is
    }
    serve(world, reader.request());
    reader.next();
  }
  return 0;
}
