// log read, log tail: the log as JSON lines on standard output.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "clients/cpp/backoff.h"
#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/log_follower.h"

namespace parley::ctl {
namespace {

struct LogOptions {
  std::string room;
  std::string after;
  std::uint64_t limit = 0;
};

bool print_line(std::string_view line) {
  const bool ok =
      std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::putchar('\n') != EOF;
  // Whoever reads a pipe wants the line now. A reader that has gone (head) ends us.
  return ok && std::fflush(stdout) == 0;
}

std::optional<std::uint64_t> start_of(const LogOptions& options) {
  if (options.after.empty()) return std::nullopt;
  const auto offset = options.after == "0" ? MessageId{0} : parse_message_id(options.after);
  if (!offset)
    throw Failure("--after takes an offset as 'log read' prints it; 0 is the beginning", kExitUsage);
  return raw(*offset);
}

std::string room_of(const LogOptions& options) {
  return options.room.empty() ? std::string() : room_name(options.room).str();
}

void read(const Context& context, const LogOptions& options) {
  LogFollower follower(room_of(options), start_of(options).value_or(0), print_line);
  const auto control = connect_control(context);
  follower.read(*control, options.limit);
}

void tail(const Context& context, const LogOptions& options) {
  bool wanted = true;
  LogFollower follower(room_of(options), start_of(options), [&](std::string_view line) {
    wanted = print_line(line);
    return wanted;
  });
  auto control = connect_control(context);
  const client::Environment environment = client::system_environment();
  client::Backoff backoff({client::Millis(250), client::Millis(10'000)}, environment.random);
  while (wanted) {
    try {
      if (!control) control = connect_control(context);
      backoff.reset();
      follower.follow(*control);
    } catch (const Failure& e) {
      control.reset();
      const client::Millis wait = backoff.next();
      std::fprintf(stderr, "parleyctl: %s; trying again in %.1f s\n", e.what(),
                   static_cast<double>(wait.count()) / 1000);
      std::this_thread::sleep_for(wait);
    }
  }
}

}  // namespace

void add_log_commands(Command app, Context& context) {
  Command log = app.subcommand("log", "What has been written to the node's log, as JSON lines");
  log.require_subcommand();
  auto options = std::make_shared<LogOptions>();

  Command read_command = log.subcommand("read", "Print what is in the log");
  read_command.option("--room", options->room, "Only this room's events");
  read_command.option("--after", options->after,
                      "Only what comes behind this offset [0: from the beginning]");
  read_command.option("--limit", options->limit, "At most so many events [0: all]");
  read_command.run([&context, options] { read(context, *options); });

  Command tail_command = log.subcommand("tail", "Print what is written from now on; comes back by itself");
  tail_command.option("--room", options->room, "Only this room's events");
  tail_command.option("--after", options->after, "Begin behind this offset; 0 prints everything first");
  tail_command.run([&context, options] { tail(context, *options); });
}

}  // namespace parley::ctl
