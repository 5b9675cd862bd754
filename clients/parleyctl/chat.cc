// chat ROOM: who we are and how we get in; the chat itself is in chat/.
#include <cstdlib>

#include "clients/parleyctl/chat/terminal.h"
#include "clients/parleyctl/chat/window.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/key_store.h"
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

UserName who(const ChatOptions& options) {
  if (!options.user.empty()) return user_name(options.user);
  const char* login = std::getenv("USER");
  if (login != nullptr && is_user_name(login)) return *UserName::parse(login);
  throw Failure("say who you are: parleyctl chat " + options.room + " --as alice", kExitUsage);
}

// With the server's key: a fresh token for every connection.
client::TokenProvider token_provider(const Context& context, const UserName& user, const DeviceName& device) {
  auto key = std::make_shared<const SigningKey>(KeyStore(context.var).load());
  return [key, user, device](const client::TokenReply& reply) {
    reply(sign_token(*key, user.str(), device.str(), TokenRole::user, std::chrono::minutes(15)), "");
  };
}

// What was said before we came. Without a broker the chat begins empty, and waits for it.
std::vector<client::EventBytes> recent(const Context& context, const RoomName& room, const UserName& user) {
  try {
    return recent_history(*connect_control(context), room.str(), user.str(), kBacklog);
  } catch (const Failure&) {
    return {};
  }
}

void chat(const Context& context, const ChatOptions& options) {
  const RoomName room = room_name(options.room);
  const UserName user = who(options);
  const DeviceName device =
      device_name(options.device.empty() ? "chat-" + random_hex_id().substr(0, 8) : options.device);
  const std::chrono::seconds patience{parse_duration_s(options.patience)};
  client::Options sdk{.host = context.host, .port = context.port, .user = user, .device = device};
  sdk.backoff_ceiling = std::chrono::seconds(5);  // somebody is watching
  std::vector<client::EventBytes> backlog;
  const bool in_terminal = chat::Terminal::usable();
  // People without the server's key bring their token along, and see what is said while they are here.
  if (const char* token = std::getenv("PARLEY_TOKEN"); token != nullptr && *token != '\0') {
    sdk.token = client::fixed_token(token);
  } else {
    sdk.token = token_provider(context, user, device);
    sdk.refetch = refetch_from_log(context);
    if (in_terminal) backlog = recent(context, room, user);
  }
  const int status = in_terminal ? chat::run_in_terminal(std::move(sdk), room.str(), backlog)
                                 : chat::run_in_lines(std::move(sdk), room.str(), patience);
  if (status != 0) throw CLI::RuntimeError(status);
}

}  // namespace

void add_chat_command(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("chat", "Chat in a room; without a terminal, lines in and lines out");
  auto options = std::make_shared<ChatOptions>();
  command->add_option("room", options->room, "Room")->required();
  command->add_option("--as,--user", options->user, "Who you are [$USER]");
  command->add_option("--device", options->device, "The device you are on [a new one]");
  command->add_option("--patience", options->patience,
                      "Without a terminal: how long to wait for the server, 30s say [30s]");
  command->callback([&context, options] { chat(context, *options); });
}

}  // namespace parley::ctl
