// What every command shares: where things are, how a failure ends the program, how the control connection is
// made.
//
// parleyctl is one thread per command (chat has its own notes). A command that cannot do what it was asked
// throws Failure; main() prints its one line on stderr and ends with its status. Nothing else throws on
// purpose.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CONTEXT_H_
#define PARLEY_CLIENTS_PARLEYCTL_CONTEXT_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "schemas/ids.h"

namespace parley::ctl {

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

struct Failure : std::runtime_error {
  explicit Failure(const std::string& line, int exit_status = kExitFailure)
      : std::runtime_error(line), status(exit_status) {}
  int status;
};

struct Context {
  std::filesystem::path var = "var";
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
};

// The name, or Failure (usage) saying which form is wanted. `what` is only for the message.
UserName user_name(const std::string& text);
DeviceName device_name(const std::string& text);
RoomName room_name(const std::string& text);

// "90", "90s", "15m", "12h", "7d" as seconds; Failure (usage) for anything else or zero.
std::int64_t parse_duration_s(const std::string& text);

// One function per command group, each in the file of its name.
void add_keys_commands(CLI::App& app, Context& context);
void add_token_command(CLI::App& app, Context& context);
void add_fact_commands(CLI::App& app, Context& context);  // user, room, member
void add_apply_command(CLI::App& app, Context& context);
void add_access_commands(CLI::App& app, Context& context);  // apitoken, block, session, limits
void add_server_commands(CLI::App& app, Context& context);  // kick, stats
void add_log_commands(CLI::App& app, Context& context);
void add_chat_command(CLI::App& app, Context& context);
void add_completion_command(CLI::App& app, Context& context);

}  // namespace parley::ctl

#endif
