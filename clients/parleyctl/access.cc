// apitoken, block, session, limits: who may connect how often, with what, and whom they reach.
#include <ctime>
#include <memory>
#include <string>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/control_client.h"
#include "clients/parleyctl/facts.h"
#include "clients/parleyctl/key_store.h"

namespace parley::ctl {
namespace {

void applied(const Context& context, const ControlOp& op, const std::string& done) {
  const std::uint64_t version = connect_control(context)->apply(op);
  tell(context, done + " (version " + std::to_string(version) + ")", {{"done", done}, {"version", version}});
}

constexpr char kTokensByRest[] = "API tokens are made at /api/v1/users/me/tokens (see /api/v1/docs)";

struct ApiTokenOptions {
  std::string user;
  std::string device;
  std::string role = "bot";
  std::string ttl;
  std::string token;
};

void create_api_token(const Context& context, const ApiTokenOptions& options) {
  need_no_bridge(context, kTokensByRest);
  const auto role = parse_token_role(options.role);
  if (!role) throw Failure("'" + options.role + "' is no role: user, bot, device or service", kExitUsage);
  const std::string token = random_api_token();
  TokenPut put;
  put.sha256 = sha256(token);
  put.user = user_name(options.user).str();
  put.device = device_name(options.device).str();
  put.role = *role;
  if (!options.ttl.empty()) put.until_s = std::time(nullptr) + parse_duration_s(options.ttl);
  connect_control(context)->apply(put);
  // Only the token, only now: the server keeps nothing but its SHA-256.
  tell(context, token, {{"token", token}, {"user", put.user}, {"device", put.device}});
}

void remove_api_token(const Context& context, const ApiTokenOptions& options) {
  need_no_bridge(context, kTokensByRest);
  TokenRemove remove;
  if (is_api_token(options.token)) {
    remove.sha256 = sha256(options.token);
  } else if (const auto digest = parse_sha256_hex(options.token)) {
    remove.sha256 = *digest;
  } else {
    throw Failure("give the pk_ token itself or its SHA-256 in hex", kExitUsage);
  }
  applied(context, remove, "removed the token");
}

void add_apitoken(Command app, Context& context) {
  Command group = app.subcommand("apitoken", "Long-lived tokens of bots and devices");
  group.require_subcommand();
  auto options = std::make_shared<ApiTokenOptions>();
  Command create = group.subcommand("create", "Make a token and print it, this once");
  create.option("user", options->user, "Whom it is for").required();
  create.option("--device", options->device, "The device that connects with it").required();
  create.option("--role", options->role, "user, bot, device or service [bot]");
  create.option("--ttl", options->ttl, "How long it is valid: 12h, 30d [no end]");
  create.run([&context, options] { create_api_token(context, *options); });
  Command remove = group.subcommand("remove", "Refuse a token from now on");
  remove.option("token", options->token, "The pk_ token, or its SHA-256 in hex").required();
  remove.run([&context, options] { remove_api_token(context, *options); });
}

struct BlockOptions {
  std::string user;
  std::string blocked;
};

void add_block(Command app, Context& context) {
  Command group = app.subcommand("block", "Who has blocked whom");
  group.require_subcommand();
  auto options = std::make_shared<BlockOptions>();
  const auto add_names = [options](Command command) {
    command.option("user", options->user, "Who blocks").required();
    command.option("blocked", options->blocked, "Who is blocked").required();
  };
  Command put = group.subcommand("put", "USER blocks BLOCKED");
  add_names(put);
  put.run([&context, options] {
    need_no_bridge(context, "people block others themselves, with 'parleyctl blocks add'");
    const BlockPut op{user_name(options->user).str(), user_name(options->blocked).str()};
    applied(context, op, op.user + " blocks " + op.blocked);
  });
  Command remove = group.subcommand("remove", "USER no longer blocks BLOCKED");
  add_names(remove);
  remove.run([&context, options] {
    need_no_bridge(context, "people unblock others themselves, with 'parleyctl blocks remove'");
    const BlockRemove op{user_name(options->user).str(), user_name(options->blocked).str()};
    applied(context, op, op.user + " no longer blocks " + op.blocked);
  });
}

struct SessionOptions {
  std::string sid;
  std::string keep = "30d";
};

void add_session(Command app, Context& context) {
  Command group = app.subcommand("session", "Sessions: the tokens of one login");
  group.require_subcommand();
  auto options = std::make_shared<SessionOptions>();
  Command revoke = group.subcommand("revoke", "End a session: its connections and all its tokens");
  revoke.option("sid", options->sid, "Session id, the token's claim 'sid'").required();
  revoke.option("--keep", options->keep,
                "Remember it this long, at least as the session's tokens live [30d]");
  revoke.run([&context, options] {
    need_no_bridge(context, "use 'parleyctl admin sessions end USER SESSION'");
    if (options->sid.empty()) throw Failure("name the session id", kExitUsage);
    applied(context, SessionRevoke{options->sid, std::time(nullptr) + parse_duration_s(options->keep)},
            "revoked the session");
  });
}

void put_limits(const Context& context, const LimitsPut& put) {
  if (put.name == "unlimited") throw Failure("'unlimited' is built in and cannot be changed", kExitUsage);
  if (put.name.empty()) throw Failure("name the class of limits", kExitUsage);
  need_no_bridge(context, "use 'parleyctl admin limits put'");
  applied(context, put, "put limits " + put.name);
}

void add_limits(Command app, Context& context) {
  Command group = app.subcommand("limits", "Classes of limits, named by --limits of users and rooms");
  group.require_subcommand();
  auto put = std::make_shared<LimitsPut>();
  Command command = group.subcommand("put", "Set a class (settings left out become the built-in defaults)");
  constexpr double kLowestRate = 0.001;
  constexpr double kHighest = 1e9;
  command.option("name", put->name, "Name of the class").required();
  command.option("--messages-per-s", put->messages_per_s, "Messages of a user a second [10]")
      .in_range(kLowestRate, kHighest);
  command.option("--burst", put->burst, "Messages at once [30]").in_range(1.0, kHighest);
  command.option("--connections", put->connections, "Connections of a user at a time [5]")
      .in_range(1, 1'000'000);
  command.option("--requests-per-s", put->requests_per_s, "Requests of a user a second [20]")
      .in_range(kLowestRate, kHighest);
  command.option("--typing-per-s", put->typing_per_s, "Typing notices of a user a second [1]")
      .in_range(kLowestRate, kHighest);
  command
      .option("--room-messages-per-s", put->room_messages_per_s,
              "Messages of people in a room a second [16.7]")
      .in_range(kLowestRate, kHighest);
  command
      .option("--room-bot-messages-per-s", put->room_bot_messages_per_s,
              "Messages of bots and devices in a room a second [100]")
      .in_range(kLowestRate, kHighest);
  command.run([&context, put] { put_limits(context, *put); });
}

}  // namespace

void add_access_commands(Command app, Context& context) {
  add_apitoken(app, context);
  add_block(app, context);
  add_session(app, context);
  add_limits(app, context);
}

}  // namespace parley::ctl
