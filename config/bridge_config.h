// Options of parley-bridge: the file named by --config, parsed and validated once. config/bridge.toml
// documents every option with its default; a test holds the two to each other.
//
// Pure but for load_bridge_config(), which reads the file; a BridgeConfig is a plain value.
#ifndef PARLEY_CONFIG_BRIDGE_CONFIG_H_
#define PARLEY_CONFIG_BRIDGE_CONFIG_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/broker_config.h"  // ConfigErrors

namespace parley {

struct DatabaseConfig {
  std::string url = "postgresql:///parley";  // a libpq connection string; see [database] in bridge.toml
  std::size_t pool = 8;                      // connections for requests; the feed has two more of its own
  std::chrono::milliseconds statement_timeout{2000};
  std::chrono::seconds connect_timeout{2};
};

struct BrokerNodeConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
};
struct BrokerLinkConfig {
  std::vector<BrokerNodeConfig> nodes{{}};  // the first one posts events and sends messages
  std::string user = "bridge";              // the service's name towards the nodes
};

struct HttpConfig {
  std::string host = "127.0.0.1";         // `listen` in the file, taken apart
  std::uint16_t port = 8080;              // 0: any free one
  std::filesystem::path tls_certificate;  // PEM, the chain; both or neither
  std::filesystem::path tls_key;
  std::vector<std::string> cors_origins;  // "https://chat.example.org", exactly
  std::size_t body_bytes = std::size_t{1} << 20;
  std::size_t header_bytes = std::size_t{16} << 10;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{20'000};
  std::chrono::milliseconds idle_timeout{60'000};
  std::size_t connections = 1024;
  std::size_t io_threads = 1;
  std::size_t workers = 8;
  std::size_t queue = 256;
  std::string
      public_url;  // "https://chat.example.org": what links in answers start with; empty: a path alone
  bool trust_forwarded_for = false;
  // With it: the proxies that are believed, "10.0.0.0/8"; empty: whoever connects is one.
  std::vector<std::string> trusted_proxies;
};

enum class Registration : std::uint8_t { open, invite, closed };

struct AccountConfig {  // [auth]
  std::filesystem::path keys_dir = "keys";
  std::chrono::seconds access_ttl{900};
  std::chrono::seconds refresh_ttl{std::int64_t{30} * 24 * 3600};
  Registration registration = Registration::open;
  unsigned argon2_ops = 2;
  std::size_t argon2_mem_bytes = std::size_t{19} << 20;
  std::size_t login_workers = 1;
  std::size_t login_queue = 32;
};

struct OidcProvider {
  std::string name;    // in paths: /api/v1/auth/oidc/{name}
  std::string issuer;  // https://..., where discovery starts; http:// for loopback only
  std::string client_id;
  std::filesystem::path client_secret_file;  // empty: a public client (PKCE alone)
  std::vector<std::string> scopes{"openid", "profile"};
  std::string redirect_uri;  // empty: {public_url}/api/v1/auth/oidc/{name}/callback
  // As this client is registered there (OpenID Connect Dynamic Client Registration 1.0, section 2). The one
  // algorithm of its id_tokens; empty: any with public keys. HS256, HS384 and HS512 are checked with the
  // client's secret, and only if said so.
  std::string id_token_signed_response_alg;
  // client_secret_basic, client_secret_post or none; empty: what the provider's discovery says.
  std::string token_endpoint_auth_method;
};

struct ControlConfig {
  std::size_t batch = 500;
  std::chrono::milliseconds standby_poll{1000};
  std::uint64_t changes_keep = 100'000;
};

struct BridgeLimits {                       // [limits]; numbers of 0 turn a limit off, unless said otherwise
  std::uint32_t login_failures = 5;         // see bridge/api/sign_in_limits.h...
  std::chrono::seconds login_window{300};   // ...within this; at least 1
  std::uint32_t registrations_per_h = 20;   // one address
  std::uint32_t room_creations_per_h = 10;  // one user
  std::uint32_t invites_per_h = 60;         // one user
  double requests_per_s = 20;               // one user; one address where nobody is signed in
  std::uint32_t burst = 60;
  std::uint32_t connects_per_min = 10;  // GET /connect, one user
  std::uint32_t group_size = 1000;
  std::uint32_t tokens = 50;    // API tokens of one user
  std::uint32_t devices = 20;   // push devices of one user
  std::uint32_t sessions = 50;  // of one user; one more ends the one unused for longest
};

struct EndpointsConfig {
  std::string mqtt = "mqtt://127.0.0.1:1883";
  std::string websocket;  // empty: none
};

struct BridgeLogConfig {
  std::string level = "info";  // debug, info, warning, error
};

struct BridgeConfig {
  DatabaseConfig database;
  BrokerLinkConfig broker;
  HttpConfig http;
  AccountConfig auth;
  std::vector<OidcProvider> oidc;
  ControlConfig control;
  BridgeLimits limits;
  EndpointsConfig endpoints;
  BridgeLogConfig log;
};

// `file` names the text in errors, and its folder is where relative paths start.
boost::system::result<BridgeConfig, ConfigErrors> parse_bridge_config(std::string_view text,
                                                                      const std::filesystem::path& file);
boost::system::result<BridgeConfig, ConfigErrors> load_bridge_config(const std::filesystem::path& file);

}  // namespace parley

#endif
