#include "config/bridge_config.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "config/toml_section.h"
#include "schemas/jws.h"

namespace parley {
namespace {

using config_detail::Problems;
using config_detail::Section;
using Path = std::filesystem::path;

constexpr std::array kSections = {"database", "broker", "http",      "auth", "oidc",
                                  "control",  "limits", "endpoints", "log"};
constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::int64_t kDayS = 24 * 60 * 60;

// Lower-case letters, digits and dashes: what stands in a URL as it is.
bool is_slug(std::string_view text) {
  return !text.empty() && text.size() <= 32 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// scheme://host[:port] and nothing after it, as browsers send Origin (RFC 6454, section 6.2).
bool is_origin(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    return !rest.empty() && rest.find_first_of("/?#@ *\"\r\n") == std::string_view::npos;
  }
  return false;
}

bool is_loopback_http(std::string_view url) {
  for (const std::string_view host : {"http://127.0.0.1", "http://[::1]", "http://localhost"}) {
    if (!url.starts_with(host)) continue;
    const std::string_view rest = url.substr(host.size());
    return rest.empty() || rest[0] == ':' || rest[0] == '/';
  }
  return false;
}

// An array of strings; anything else in it is a problem. Leaves `out` alone when the key is missing.
void read_strings(Section& s, const char* key, std::vector<std::string>& out) {
  const toml::array* array = s.array(key);
  if (array == nullptr) return;
  out.clear();
  for (const toml::node& node : *array) {
    if (const auto* text = node.as_string()) {
      out.push_back(text->get());
    } else {
      s.problem(key, "expected strings");
    }
  }
}

// A path that may be left empty.
void read_optional_path(Section& s, const char* key, Path& out, const Path& base) {
  std::string text = out.string();
  s.string(key, text);
  out = text.empty() ? Path() : (base / text).lexically_normal();
}

void read_database(const toml::table& doc, Problems& problems, DatabaseConfig& out) {
  Section s = Section::of(doc, "database", problems);
  s.string("url", out.url);
  if (out.url.empty()) {
    s.problem("url", "expected a connection string such as \"postgresql:///parley?host=/run/postgresql\"");
  }
  s.read("pool", out.pool, 1, 1000);
  s.read("statement_timeout_ms", out.statement_timeout, 10, 600'000);
  s.read("connect_timeout_s", out.connect_timeout, 1, 60);
  s.finish();
}

void read_broker(const toml::table& doc, Problems& problems, BrokerLinkConfig& out) {
  Section s = Section::of(doc, "broker", problems);
  if (const toml::array* nodes = s.array("nodes")) {
    out.nodes.clear();
    for (const toml::node& node : *nodes) {
      if (!node.is_table()) {
        problems.add(node.source(), "broker.nodes",
                     R"(expected tables such as {host = "127.0.0.1", port = 1883})");
        continue;
      }
      Section n(node.as_table(), "broker.nodes", problems);
      BrokerNodeConfig& address = out.nodes.emplace_back();
      n.string("host", address.host);
      n.read("port", address.port, 1, 65535);
      if (address.host.empty()) n.problem("host", "expected a name or an address, found an empty string");
      n.finish();
    }
    if (nodes->empty()) s.problem("nodes", "needs at least one node");
  }
  s.string("user", out.user);
  if (!is_user_name(out.user)) s.problem("user", "expected a user name: a-z, 0-9, _ . -, 2 to 32 characters");
  s.finish();
}

void read_listen(Section& s, HttpConfig& out) {
  std::string listen = out.host + ":" + std::to_string(out.port);
  s.string("listen", listen);
  const std::size_t colon = listen.rfind(':');
  const std::string_view port =
      colon == std::string::npos ? std::string_view() : std::string_view(listen).substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (colon == 0 || port.empty() || error != std::errc() || end != port.data() + port.size()) {
    s.problem("listen",
              "expected host:port such as \"127.0.0.1:8080\" or \"[::]:8080\", found \"" + listen + "\"");
    return;
  }
  out.host = listen.substr(0, colon);
  if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']') {
    out.host = out.host.substr(1, out.host.size() - 2);
  }
  out.port = number;
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const bool is_address =
      inet_pton(AF_INET, out.host.c_str(), address.data()) == 1 ||
      inet_pton(AF_INET6, out.host.substr(0, out.host.find('%')).c_str(), address.data()) == 1;
  if (!is_address && out.host != "localhost") {
    s.problem(
        "listen",
        "expected an IP address of this machine, 0.0.0.0 or [::] for all of them, or localhost; found \"" +
            out.host + "\"");
  }
}

void read_http(const toml::table& doc, const Path& base, Problems& problems, HttpConfig& out) {
  Section s = Section::of(doc, "http", problems);
  read_listen(s, out);
  read_optional_path(s, "tls_certificate", out.tls_certificate, base);
  read_optional_path(s, "tls_key", out.tls_key, base);
  if (out.tls_certificate.empty() != out.tls_key.empty()) {
    const bool no_key = out.tls_key.empty();
    s.problem({no_key ? "tls_key" : "tls_certificate", no_key ? "tls_certificate" : "tls_key"},
              "TLS needs both http.tls_certificate and http.tls_key");
  }
  read_strings(s, "cors_origins", out.cors_origins);
  for (const std::string& origin : out.cors_origins) {
    if (!is_origin(origin)) {
      s.problem("cors_origins",
                "expected origins such as \"https://chat.example.org\", found \"" + origin +
                    "\"; \"*\" is not offered, since answers hold what only their user may see");
    }
  }
  s.read("body_bytes", out.body_bytes, 1024, 64 * kMiB);
  s.read("header_bytes", out.header_bytes, 1024, kMiB);
  std::int64_t seconds = 0;
  const auto timeout = [&](const char* key, std::chrono::milliseconds& value) {
    seconds = value.count() / 1000;
    s.read(key, seconds, 1, 3600);
    value = std::chrono::seconds(seconds);
  };
  timeout("header_timeout_s", out.header_timeout);
  timeout("body_timeout_s", out.body_timeout);
  timeout("idle_timeout_s", out.idle_timeout);
  s.read("connections", out.connections, 1, 100'000);
  s.read("io_threads", out.io_threads, 1, 64);
  s.read("workers", out.workers, 1, 256);
  s.read("queue", out.queue, 1, 100'000);
  s.string("public_url", out.public_url);
  if (!out.public_url.empty() && !is_origin(out.public_url)) {
    s.problem("public_url", "expected scheme and host such as \"https://chat.example.org\", found \"" +
                                out.public_url + "\"");
  }
  s.boolean("trust_forwarded_for", out.trust_forwarded_for);
  read_strings(s, "trusted_proxies", out.trusted_proxies);
  if (!out.trusted_proxies.empty() && !out.trust_forwarded_for)
    s.problem("trusted_proxies",
              "goes with http.trust_forwarded_for = true; without it no proxy is believed");
  s.finish();
}

void read_auth(const toml::table& doc, const Path& base, Problems& problems, AccountConfig& out) {
  // libsodium's bounds: crypto_pwhash_argon2id_OPSLIMIT_MIN is 1, _MEMLIMIT_MIN 8 KiB.
  constexpr std::int64_t kMaxOps = 64;
  constexpr std::int64_t kMaxMemMb = 4096;
  Section s = Section::of(doc, "auth", problems);
  s.path("keys_dir", out.keys_dir, base);
  s.read("access_ttl_s", out.access_ttl, 30, kDayS);
  s.read("refresh_ttl_s", out.refresh_ttl, 60, 3650 * kDayS);
  std::string registration = "open";
  s.string("registration", registration);
  if (registration == "invite") {
    out.registration = Registration::invite;
  } else if (registration == "closed") {
    out.registration = Registration::closed;
  } else if (registration != "open") {
    s.problem("registration", "expected \"open\", \"invite\" or \"closed\", found \"" + registration + "\"");
  }
  s.read("argon2_ops", out.argon2_ops, 1, kMaxOps);
  std::uint64_t memory = out.argon2_mem_bytes;
  s.mebibytes("argon2_mem_mb", memory, 1, kMaxMemMb);
  out.argon2_mem_bytes = memory;
  s.read("login_workers", out.login_workers, 1, 64);
  s.read("login_queue", out.login_queue, 1, 10'000);
  if (out.refresh_ttl < out.access_ttl)
    s.problem({"refresh_ttl_s", "access_ttl_s"}, "must not be below auth.access_ttl_s");
  s.finish();
}

// What is wrong with an issuer as it is written (OpenID Connect Discovery 1.0, section 3); empty: nothing.
std::string why_no_issuer(std::string_view issuer) {
  const std::size_t scheme = issuer.find("://");
  const std::string_view rest = scheme == std::string_view::npos ? "" : issuer.substr(scheme + 3);
  const std::string found = ", found \"" + std::string(issuer) + "\"";
  if (!issuer.starts_with("https://") && !is_loopback_http(issuer))
    return "expected an https:// URL (http:// for loopback only)" + found;
  if (rest.empty() || rest[0] == '/' || rest[0] == ':') return "expected a URL with a host" + found;
  if (rest.find_first_of(" \t\r\n\"<>\\") != std::string_view::npos) return "expected a URL" + found;
  if (rest.substr(0, rest.find('/')).find('@') != std::string_view::npos)
    return "expected a URL without a user or a password in it";
  if (rest.find_first_of("?#") != std::string_view::npos)
    return "expected a URL without query and fragment" + found;
  if (rest.find("/.well-known/") != std::string_view::npos)
    return "expected what the provider calls its issuer, without /.well-known/openid-configuration" + found;
  if (rest.find_first_of("{}") != std::string_view::npos)
    return "expected your own tenant in place of what is in braces" + found;
  return {};
}

// As this client is registered at the provider.
void check_client(Section& s, const OidcProvider& out) {
  const std::string& alg = out.id_token_signed_response_alg;
  const bool by_secret = hmac_secret_bytes(alg) > 0;
  if (!alg.empty() && !by_secret && !is_public_key_algorithm(alg)) {
    s.problem(
        "id_token_signed_response_alg",
        "expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K, EdDSA, or HS256, "
        "HS384, HS512 where the provider signs with the client's secret; found \"" +
            alg + "\"");
  }
  if (by_secret && out.client_secret_file.empty())
    s.problem("client_secret_file", "is needed: " + alg + " is checked with the client's secret");
  const std::string& method = out.token_endpoint_auth_method;
  if (!method.empty() && method != "client_secret_basic" && method != "client_secret_post" &&
      method != "none") {
    s.problem("token_endpoint_auth_method",
              "expected client_secret_basic, client_secret_post or none, found \"" + method + "\"");
  }
  if (method.starts_with("client_secret") && out.client_secret_file.empty())
    s.problem("client_secret_file", "is needed for token_endpoint_auth_method = \"" + method + "\"");
  if (out.client_id.empty()) s.problem("client_id", "needs the client id that the provider gave this server");
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  if (!out.client_id.empty() && (is_space(out.client_id.front()) || is_space(out.client_id.back())))
    s.problem("client_id", "must not begin or end with white space, found \"" + out.client_id + "\"");
}

void read_provider(const toml::node& node, const Path& base, Problems& problems, OidcProvider& out) {
  Section s(node.as_table(), "oidc", problems);
  s.string("name", out.name);
  s.string("issuer", out.issuer);
  s.string("client_id", out.client_id);
  read_optional_path(s, "client_secret_file", out.client_secret_file, base);
  read_strings(s, "scopes", out.scopes);
  s.string("redirect_uri", out.redirect_uri);
  s.string("id_token_signed_response_alg", out.id_token_signed_response_alg);
  s.string("token_endpoint_auth_method", out.token_endpoint_auth_method);
  check_client(s, out);
  if (!is_slug(out.name)) {
    s.problem("name", "expected a-z, 0-9 and -, up to 32 characters: it is part of the path, found \"" +
                          out.name + "\"");
  }
  if (const std::string wrong = why_no_issuer(out.issuer); !wrong.empty()) s.problem("issuer", wrong);
  if (std::find(out.scopes.begin(), out.scopes.end(), "openid") == out.scopes.end()) {
    s.problem("scopes", "must have \"openid\": without it the provider sends no id_token");
  }
  for (const std::string& scope : out.scopes) {
    if (scope.empty() || scope.find_first_of(" ,\t\r\n") != std::string::npos)
      s.problem("scopes", "expected one scope in each string, found \"" + scope + "\"");
  }
  if (out.redirect_uri.find('#') != std::string::npos)
    s.problem("redirect_uri", "must have no fragment, found \"" + out.redirect_uri + "\"");
  if (!out.redirect_uri.empty() && !out.redirect_uri.starts_with("https://") &&
      !is_loopback_http(out.redirect_uri)) {
    s.problem("redirect_uri",
              "expected an https:// URL (http:// for loopback only), found \"" + out.redirect_uri + "\"");
  }
  s.finish();
}

void read_oidc(const toml::table& doc, const Path& base, Problems& problems, const HttpConfig& http,
               std::vector<OidcProvider>& out) {
  const toml::node* node = doc.get("oidc");
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    problems.add(node->source(), "oidc", "expected one [[oidc]] for each provider");
    return;
  }
  for (const toml::node& entry : *array) {
    if (!entry.is_table()) {
      problems.add(entry.source(), "oidc", "expected one [[oidc]] for each provider");
      continue;
    }
    OidcProvider& provider = out.emplace_back();
    read_provider(entry, base, problems, provider);
    const auto same = [&](const OidcProvider& other) { return other.name == provider.name; };
    if (std::count_if(out.begin(), out.end(), same) > 1) {
      problems.add(entry.source(), "oidc.name", "\"" + provider.name + "\" is there twice");
    }
    if (provider.redirect_uri.empty() && http.public_url.empty()) {
      problems.add(entry.source(), "oidc.redirect_uri",
                   "needs a value, or http.public_url, so that the provider can send people back");
    }
  }
}

void read_control(const toml::table& doc, Problems& problems, ControlConfig& out) {
  Section s = Section::of(doc, "control", problems);
  s.read("batch", out.batch, 1, 10'000);
  s.read("standby_poll_ms", out.standby_poll, 10, 60'000);
  s.read("changes_keep", out.changes_keep, 100, std::int64_t{1} << 40);
  s.finish();
}

void read_limits(const toml::table& doc, Problems& problems, BridgeLimits& out) {
  constexpr std::int64_t kMax = 1'000'000;
  Section s = Section::of(doc, "limits", problems);
  s.read("login_failures", out.login_failures, 1, kMax);
  s.read("login_window_s", out.login_window, 1, kDayS);
  s.read("registrations_per_h", out.registrations_per_h, 0, kMax);
  s.read("room_creations_per_h", out.room_creations_per_h, 0, kMax);
  s.read("invites_per_h", out.invites_per_h, 0, kMax);
  s.number("requests_per_s", out.requests_per_s, 0, 1e6);
  s.read("burst", out.burst, 1, kMax);
  s.read("connects_per_min", out.connects_per_min, 0, kMax);
  s.read("group_size", out.group_size, 0, kMax);
  s.read("tokens", out.tokens, 1, kMax);
  s.read("devices", out.devices, 1, kMax);
  s.read("sessions", out.sessions, 0, kMax);
  s.finish();
}

void read_endpoints(const toml::table& doc, Problems& problems, EndpointsConfig& out) {
  Section s = Section::of(doc, "endpoints", problems);
  s.string("mqtt", out.mqtt);
  s.string("websocket", out.websocket);
  if (!out.mqtt.starts_with("mqtt://") && !out.mqtt.starts_with("mqtts://")) {
    s.problem("mqtt", "expected a URL such as \"mqtt://chat.example.org:1883\" or \"mqtts://...\", found \"" +
                          out.mqtt + "\"");
  }
  if (!out.websocket.empty() && !out.websocket.starts_with("ws://") && !out.websocket.starts_with("wss://")) {
    s.problem("websocket",
              "expected a URL such as \"wss://chat.example.org/mqtt\", or \"\" for none, found \"" +
                  out.websocket + "\"");
  }
  s.finish();
}

void read_log(const toml::table& doc, Problems& problems, BridgeLogConfig& out) {
  constexpr std::array kLevels = {"debug", "info", "warning", "error"};
  Section s = Section::of(doc, "log", problems);
  s.string("level", out.level);
  if (std::find(kLevels.begin(), kLevels.end(), out.level) == kLevels.end()) {
    s.problem("level", "expected \"debug\", \"info\", \"warning\" or \"error\", found \"" + out.level + "\"");
  }
  s.finish();
}

}  // namespace

boost::system::result<BridgeConfig, ConfigErrors> parse_bridge_config(std::string_view text,
                                                                      const Path& file) {
  Problems problems(file.string(), text);
  const auto document = config_detail::parse_document(text, file, problems);
  if (!document) return problems.text();
  const toml::table& doc = *document;
  const Path base = file.parent_path();
  BridgeConfig config;
  config_detail::refuse_unknown_sections(doc, kSections, problems);
  read_database(doc, problems, config.database);
  read_broker(doc, problems, config.broker);
  read_http(doc, base, problems, config.http);
  read_auth(doc, base, problems, config.auth);
  read_oidc(doc, base, problems, config.http, config.oidc);
  read_control(doc, problems, config.control);
  read_limits(doc, problems, config.limits);
  read_endpoints(doc, problems, config.endpoints);
  read_log(doc, problems, config.log);
  if (!problems.empty()) return problems.text();
  return config;
}

boost::system::result<BridgeConfig, ConfigErrors> load_bridge_config(const Path& file) {
  std::string problem;
  const auto text = config_detail::read_option_file(file, problem);
  if (!text) return problem;
  std::error_code ignored;
  const Path absolute = std::filesystem::absolute(file, ignored);
  return parse_bridge_config(*text, absolute.empty() ? file : absolute);
}

}  // namespace parley
