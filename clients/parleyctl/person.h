// Who a command of the REST interface speaks as, and where to.
#ifndef PARLEY_CLIENTS_PARLEYCTL_PERSON_H_
#define PARLEY_CLIENTS_PARLEYCTL_PERSON_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/login_store.h"
#include "clients/parleyctl/rest_client.h"

namespace parley::ctl {

inline constexpr char kAdminUser[] = "admin";

// This node's REST interface (var/url); empty when it has none.
std::string node_url(const Context& context);
// --url or $PARLEY_URL; else this node's (var/url); else where the last login was; else
// http://127.0.0.1:8080.
std::string rest_url(const Context& context);
// Whether this node's facts come from PostgreSQL: then they are changed by REST, never at the broker.
bool has_bridge(const Context& context);

// Nobody: for registering and logging in.
std::unique_ptr<RestClient> nobody_client(const Context& context);
// A login: the one of --as, or the last used one. Throws Failure when there is none.
std::unique_ptr<RestClient> person_client(const Context& context);
// An administrator: --as; else the account `admin`, where its password is at hand (var/keys); else the last
// login.
std::unique_ptr<RestClient> admin_client(const Context& context);
// The server itself, by its own key.
std::unique_ptr<RestClient> service_client(const Context& context);

// The login that person_client() would use; nothing when there is none.
std::optional<Login> stored_login(const Context& context);
// Its tokens, refreshed when they end or were refused, and kept. Failure when the login has ended.
RestClient::TokenSource login_tokens(const Context& context, const Login& login, LoginStore store);

// POST /auth/login or /auth/register, kept in the store with what the server says of its broker.
Login sign_in(const Context& context, LoginStore& store, const std::string& path, boost::json::object body);

// "mqtt://host:port" (1883 when left out); nothing for anything else.
std::optional<std::pair<std::string, std::uint16_t>> parse_mqtt_url(const std::string& url);

std::filesystem::path admin_password_file(const Context& context);
LoginStore admin_logins(const Context& context);

}  // namespace parley::ctl

#endif
