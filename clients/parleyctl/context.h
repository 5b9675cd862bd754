// What every command shares: where things are, how a failure ends the program, how the control connection is
// made.
//
// parleyctl is one thread per command (chat has its own notes). A command that cannot do what it was asked
// throws Failure; main() prints its one line on stderr and ends with its status.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CONTEXT_H_
#define PARLEY_CLIENTS_PARLEYCTL_CONTEXT_H_

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "schemas/ids.h"

namespace parley::ctl {

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

class Command;  // command_line.h

struct Failure : std::runtime_error {
  explicit Failure(const std::string& line, int exit_status = kExitFailure)
      : std::runtime_error(line), status(exit_status) {}
  int status;
};

// Thrown by a command that has already said why: the program ends with this status, without a word.
struct Exit {
  int status;
};

struct Context {
  std::filesystem::path var = "var";
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
  std::string url;            // of the REST interface; empty: see rest_url()
  std::string as;             // which login; empty: the last used
  std::string ca_file;        // PEM of who may have signed the server's certificate; empty: the system's
  bool json = false;          // for programs: JSON instead of words and tables
  bool broker_given = false;  // host or port were said; chat then does not ask the server for them
};

// The name, or Failure (usage) saying which form is wanted. `what` is only for the message.
UserName user_name(const std::string& text);
DeviceName device_name(const std::string& text);
RoomName room_name(const std::string& text);

// "90", "90s", "15m", "12h", "7d" as seconds; Failure (usage) for anything else or zero.
std::int64_t parse_duration_s(const std::string& text);

// What a command has to say: with --json an object or, of a list, one object a line.
void tell(const Context& context, const std::string& words, const boost::json::object& object);

// One function per command group, each in the file of its name.
void add_keys_commands(Command app, Context& context);
void add_token_command(Command app, Context& context);
void add_fact_commands(Command app, Context& context);  // user, room, member
void add_apply_command(Command app, Context& context);
void add_access_commands(Command app, Context& context);  // apitoken, block, session, limits
void add_server_commands(Command app, Context& context);  // kick, stats
void add_log_commands(Command app, Context& context);
void add_chat_command(Command app, Context& context);
void add_account_commands(Command app, Context& context);  // register, login, logout, whoami
void add_room_commands(Command app, Context& context);     // rooms, join, leave, invite
void add_people_commands(Command app, Context& context);   // members, contacts, blocks
void add_admin_commands(Command app, Context& context);    // admin
void add_completion_command(Command app, Context& context);

}  // namespace parley::ctl

#endif
