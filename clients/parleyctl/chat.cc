// chat ROOM: who we are and how we get in; the chat itself is in chat/.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "clients/cpp/client.h"
#include "clients/parleyctl/chat/terminal.h"
#include "clients/parleyctl/chat/window.h"
#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/key_store.h"
#include "clients/parleyctl/person.h"
#include "clients/parleyctl/room_history.h"

namespace parley::ctl {
namespace {

constexpr std::size_t kBacklog = 100;  // events

struct ChatOptions {
  std::string room;
  std::string user;
  std::string device;
  std::string patience = "30s";
};

std::string wanted_user(const Context& context, const ChatOptions& options) {
  return options.user.empty() ? context.as : options.user;
}

UserName who(const Context& context, const ChatOptions& options) {
  if (const std::string user = wanted_user(context, options); !user.empty()) return user_name(user);
  const char* login = std::getenv("USER");
  if (login != nullptr && is_user_name(login)) return *UserName::parse(login);
  throw Failure(
      "say who you are: 'parleyctl login USER' once, or parleyctl chat " + options.room + " --as alice",
      kExitUsage);
}

// With the server's key: a fresh token for every connection.
client::TokenProvider token_provider(const Context& context, const UserName& user, const DeviceName& device) {
  auto key = std::make_shared<const SigningKey>(KeyStore(context.var).load());
  return [key, user, device](const client::TokenReply& reply) {
    reply(sign_token(*key, user.str(), device.str(), TokenRole::user, std::chrono::minutes(15)), "");
  };
}

// With a login: its token, renewed when it ends. Renewing asks the server, which may take its time; the SDK's
// thread is not for waiting, so a thread of its own does it.
client::TokenProvider login_provider(const Context& context, const Login& login) {
  auto tokens = std::make_shared<RestClient::TokenSource>(
      login_tokens(context, login, LoginStore(LoginStore::default_file())));
  auto turn = std::make_shared<std::mutex>();
  return [tokens, turn](client::TokenReply reply) {
    std::thread([tokens, turn, reply = std::move(reply)] {
      const std::lock_guard lock(*turn);
      try {
        reply((*tokens)(""), "");
      } catch (const std::exception& e) {
        reply("", e.what());
      }
    }).detach();
  };
}

// Where the login's server said its broker is, unless it was said on the command line.
void find_broker(const Context& context, const Login& login, client::Options& sdk) {
  if (context.broker_given || login.mqtt.empty()) return;
  const auto endpoint = parse_mqtt_url(login.mqtt);
  if (!endpoint) {
    throw Failure("the server says its broker is at " + login.mqtt +
                  ", which this client cannot reach: give --host and --port");
  }
  std::tie(sdk.host, sdk.port) = *endpoint;
}

// What was said before we came. Without a broker the chat begins empty, and waits for it.
std::vector<client::EventBytes> recent(const Context& context, const RoomName& room, const UserName& user) {
  try {
    return recent_history(*connect_control(context), room.str(), user.str(), kBacklog);
  } catch (const Failure&) {
    return {};
  }
}

// The login to chat as: that of --as, or the last used one.
std::optional<Login> chat_login(const Context& context, const ChatOptions& options) {
  Context wanted = context;
  wanted.as = wanted_user(context, options);
  return stored_login(wanted);
}

void chat(const Context& context, const ChatOptions& options) {
  const RoomName room = room_name(options.room);
  const std::chrono::seconds patience{parse_duration_s(options.patience)};
  const char* given = std::getenv("PARLEY_TOKEN");
  const bool has_token = given != nullptr && *given != '\0';
  const std::optional<Login> login = has_token ? std::nullopt : chat_login(context, options);
  const UserName user = login ? user_name(login->user) : who(context, options);
  // A login's token is for its own device.
  std::string device_text = options.device;
  if (device_text.empty()) device_text = login ? login->device : "chat-" + random_hex_id().substr(0, 8);
  const DeviceName device = device_name(device_text);
  client::Options sdk{.host = context.host, .port = context.port, .user = user, .device = device};
  sdk.client_id = client::process_client_id(user, device);  // one login may chat in two terminals
  sdk.backoff_ceiling = std::chrono::seconds(5);            // somebody is watching
  std::vector<client::EventBytes> backlog;
  const bool in_terminal = chat::Terminal::usable() && !context.json;
  // People without the server's key see what is said while they are here; and this node's key and log say
  // nothing about another server, where a login may be.
  const bool elsewhere = login && login->url != node_url(context);
  const bool has_key =
      !has_token && !elsewhere && std::filesystem::exists(KeyStore(context.var).signing_file());
  if (has_token) {
    sdk.token = client::fixed_token(given);
  } else if (login) {
    sdk.token = login_provider(context, *login);
    find_broker(context, *login, sdk);
  } else {
    sdk.token = token_provider(context, user, device);
  }
  if (has_key) {
    sdk.refetch = refetch_from_log(context);
    if (in_terminal) backlog = recent(context, room, user);
  }
  const int status = in_terminal ? chat::run_in_terminal(std::move(sdk), room.str(), backlog)
                                 : chat::run_in_lines(std::move(sdk), room.str(), patience, context.json);
  if (status != 0) throw Exit{status};
}

}  // namespace

void add_chat_command(Command app, Context& context) {
  Command command = app.subcommand(
      "chat", "Chat in a room; without a terminal, lines in and lines out; with --json, events out");
  auto options = std::make_shared<ChatOptions>();
  command.option("room", options->room, "Room").required();
  command.option(
      "--as,--user", options->user,
      "Who you are: a login, or anybody when the server's key is at hand [the last login, or $USER]");
  command.option("--device", options->device, "The device you are on [the login's, or a new one]");
  command.option("--patience", options->patience,
                 "Without a terminal: how long to wait for the server, 30s say [30s]");
  command.run([&context, options] { chat(context, *options); });
}

}  // namespace parley::ctl
