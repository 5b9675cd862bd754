#include "clients/parleyctl/person.h"

#include <cstdlib>
#include <ctime>
#include <memory>
#include <regex>

#include "clients/parleyctl/key_store.h"
#include "clients/parleyctl/private_file.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// So that a token does not end between asking for it and its use.
constexpr std::int64_t kRenewBeforeS = 60;

std::string first_line(const std::string& text) { return text.substr(0, text.find_first_of("\r\n")); }

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::unique_ptr<client::HttpClient> http_of(const Context& context) {
  return client::make_http_client({.ca_file = context.ca_file, .user_agent = "parleyctl"});
}

std::unique_ptr<RestClient> client_at(const Context& context, const std::string& url,
                                      RestClient::TokenSource token = {}) {
  return std::make_unique<RestClient>(url, http_of(context), std::move(token));
}

Login refreshed(const Context& context, const Login& login) {
  // The old access token goes along: it has expired, but says that this request is nobody else's behind this
  // address.
  const auto client = client_at(context, login.url, [&](const std::string&) { return login.access_token; });
  const auto answer =
      client->ask("POST", "/auth/refresh", json::object{{"refresh_token", login.refresh_token}});
  if (answer.status == 401) {
    throw Failure("the login of " + login.user + " at " + login.url +
                  " has ended: log in again with 'parleyctl login " + login.user + "'");
  }
  if (!answer.ok()) RestClient::fail(answer);
  return login_of(answer.body, login.url);
}

// Where the broker is, so that chat finds it; empty when the server does not say.
std::string mqtt_endpoint(const Context& context, const Login& login) {
  const auto client = client_at(context, login.url, [&](const std::string&) { return login.access_token; });
  const auto answer = client->ask("GET", "/connect");
  const json::value* mqtt = answer.ok() ? answer.body.if_contains("mqtt") : nullptr;
  return mqtt != nullptr && mqtt->is_string() ? std::string(mqtt->as_string()) : std::string();
}

}  // namespace

std::string node_url(const Context& context) {
  std::error_code error;
  if (!fs::exists(context.var / "url", error)) return {};
  const auto url = read_file_if_there(context.var / "url");
  return url ? without_slash(first_line(*url)) : std::string();
}

std::string rest_url(const Context& context) {
  if (!context.url.empty()) return without_slash(context.url);
  if (std::string url = node_url(context); !url.empty()) return url;
  if (const auto login = LoginStore(LoginStore::default_file()).find("", "")) return login->url;
  const char* port = std::getenv("PARLEY_HTTP_PORT");
  return std::string("http://127.0.0.1:") + (port != nullptr && *port != '\0' ? port : "8080");
}

bool has_bridge(const Context& context) {
  std::error_code error;
  return !context.url.empty() || fs::exists(context.var / "url", error);
}

std::unique_ptr<RestClient> nobody_client(const Context& context) {
  return client_at(context, rest_url(context));
}

std::optional<Login> stored_login(const Context& context) {
  return LoginStore(LoginStore::default_file()).find(rest_url(context), context.as);
}

RestClient::TokenSource login_tokens(const Context& context, const Login& login, LoginStore store) {
  auto current = std::make_shared<Login>(login);
  return [context, current, store](const std::string& refused) mutable {
    const bool ends = current->expires_s - std::time(nullptr) < kRenewBeforeS;
    if (ends || (!refused.empty() && refused == current->access_token)) {
      auto fresh = store.renew(*current, [&](const Login& stale) { return refreshed(context, stale); });
      if (!fresh) throw Failure("you have logged out: log in with 'parleyctl login " + current->user + "'");
      *current = std::move(*fresh);
    }
    return current->access_token;
  };
}

std::unique_ptr<RestClient> person_client(const Context& context) {
  const auto login = stored_login(context);
  if (!login) {
    throw Failure((context.as.empty() ? "nobody" : context.as) + " is logged in at " + rest_url(context) +
                  ": use 'parleyctl login USER', or 'parleyctl register USER' first");
  }
  return client_at(context, login->url,
                   login_tokens(context, *login, LoginStore(LoginStore::default_file())));
}

Login sign_in(const Context& context, LoginStore& store, const std::string& path, json::object body) {
  const auto client = nobody_client(context);
  Login login = login_of(client->call("POST", path, std::move(body)), client->url());
  store.put(login);  // first of all: these tokens come only once
  login.mqtt = mqtt_endpoint(context, login);
  store.put(login);
  return login;
}

fs::path admin_password_file(const Context& context) { return context.var / "keys" / "admin.password"; }
LoginStore admin_logins(const Context& context) { return LoginStore(context.var / "keys" / "admin.logins"); }

std::unique_ptr<RestClient> admin_client(const Context& context) {
  std::error_code error;
  const bool at_hand = context.as.empty() && fs::exists(admin_password_file(context), error);
  if (!at_hand) return person_client(context);
  const std::string url = rest_url(context);
  LoginStore store = admin_logins(context);
  auto sign_in_anew = [context, store]() mutable {
    const std::string password = first_line(read_file_if_there(admin_password_file(context)).value_or(""));
    return sign_in(context, store, "/auth/login",
                   {{"user", kAdminUser}, {"password", password}, {"device", "parleyctl"}});
  };
  auto tokens = std::make_shared<RestClient::TokenSource>();
  if (const auto kept = store.find(url, kAdminUser)) *tokens = login_tokens(context, *kept, store);
  return client_at(context, url, [=](const std::string& refused) mutable {
    if (*tokens) {
      try {
        return (*tokens)(refused);
      } catch (const Failure&) {  // the session has ended; the password still opens a new one
      }
    }
    const Login login = sign_in_anew();
    *tokens = login_tokens(context, login, store);
    return login.access_token;
  });
}

std::optional<std::pair<std::string, std::uint16_t>> parse_mqtt_url(const std::string& url) {
  static const std::regex kForm(R"(mqtt://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?/?)");
  std::smatch match;
  if (!std::regex_match(url, match, kForm)) return std::nullopt;
  std::string host = match[1];
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  const int port = match[2].matched ? std::stoi(match[2]) : 1883;
  if (port < 1 || port > 65535) return std::nullopt;
  return std::pair(host, static_cast<std::uint16_t>(port));
}

std::unique_ptr<RestClient> service_client(const Context& context) {
  auto key = std::make_shared<const SigningKey>(KeyStore(context.var).load());
  return client_at(context, rest_url(context), [key](const std::string&) {
    return sign_token(*key, "parleyctl", "ctl", TokenRole::service, std::chrono::minutes(5));
  });
}

}  // namespace parley::ctl
