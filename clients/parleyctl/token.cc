// token: the login's access token; token USER...: tokens that the server's own key signs. On standard output,
// one a line and nothing else, so that scripts can read them.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/key_store.h"
#include "clients/parleyctl/person.h"

namespace parley::ctl {
namespace {

struct TokenOptions {
  std::vector<std::string> users;
  std::string device = "cli";
  std::string ttl = "15m";
  std::string role = "user";
};

void print_login_token(const Context& context) {
  const auto login = stored_login(context);
  if (!login) {
    throw Failure("nobody is logged in at " + rest_url(context) +
                  ": name the users whose tokens the server's key shall sign, or use 'parleyctl login USER'");
  }
  const std::string token = login_tokens(context, *login, LoginStore(LoginStore::default_file()))("");
  tell(context, token, {{"user", login->user}, {"device", login->device}, {"token", token}});
}

void print_tokens(const Context& context, const TokenOptions& options) {
  if (options.users.empty()) return print_login_token(context);
  const auto role = parse_token_role(options.role);
  if (!role) throw Failure("'" + options.role + "' is no role: user, bot, device or service", kExitUsage);
  const DeviceName device = device_name(options.device);
  const std::chrono::seconds ttl{parse_duration_s(options.ttl)};
  std::vector<UserName> users;
  users.reserve(options.users.size());
  for (const std::string& user : options.users) users.push_back(user_name(user));

  const SigningKey key = KeyStore(context.var).load();
  for (const UserName& user : users) {
    const std::string token = sign_token(key, user.str(), device.str(), *role, ttl);
    tell(context, token, {{"user", user.str()}, {"device", device.str()}, {"token", token}});
  }
}

}  // namespace

void add_token_command(Command app, Context& context) {
  Command command =
      app.subcommand("token", "Print access tokens, one a line: the login's, or one for each user named");
  auto options = std::make_shared<TokenOptions>();
  command.option("user", options->users,
                 "Whom the tokens are for; the server's key signs them [the login's]");
  command.option("--device", options->device, "The device they are for [cli]");
  command.option("--ttl", options->ttl, "How long they are valid: 90s, 15m, 12h, 7d [15m]");
  command.option("--role", options->role, "user, bot, device or service [user]");
  command.run([&context, options] { print_tokens(context, *options); });
}

}  // namespace parley::ctl
