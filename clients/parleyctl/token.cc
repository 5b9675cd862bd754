// token USER...: access tokens on standard output, one a line and nothing else, so that scripts can read
// them.
#include <cstdio>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/key_store.h"

namespace parley::ctl {
namespace {

struct TokenOptions {
  std::vector<std::string> users;
  std::string device = "cli";
  std::string ttl = "15m";
  std::string role = "user";
};

void print_tokens(const Context& context, const TokenOptions& options) {
  const auto role = parse_token_role(options.role);
  if (!role) throw Failure("'" + options.role + "' is no role: user, bot, device or service", kExitUsage);
  const DeviceName device = device_name(options.device);
  const std::chrono::seconds ttl{parse_duration_s(options.ttl)};
  std::vector<UserName> users;
  users.reserve(options.users.size());
  for (const std::string& user : options.users) users.push_back(user_name(user));

  const SigningKey key = KeyStore(context.var).load();
  for (const UserName& user : users) {
    std::printf("%s\n", sign_token(key, user.str(), device.str(), *role, ttl).c_str());
  }
}

}  // namespace

void add_token_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("token", "Print an access token for each user, one a line");
  auto options = std::make_shared<TokenOptions>();
  command->add_option("user", options->users, "Whom the tokens are for")->required();
  command->add_option("--device", options->device, "The device they are for [cli]");
  command->add_option("--ttl", options->ttl, "How long they are valid: 90s, 15m, 12h, 7d [15m]");
  command->add_option("--role", options->role, "user, bot, device or service [user]");
  command->callback([&context, options] { print_tokens(context, *options); });
}

}  // namespace parley::ctl
