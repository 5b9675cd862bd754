// parleyctl: the administrator's and the terminal user's tool. This file only wires commands to the parser
// and failures to exit codes: 0 done, 1 failed, 2 wrong usage.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"

namespace {

using parley::ctl::Context;

// The environment is only a default; a bad value there is told like a bad flag.
void read_environment(Context& context) {
  if (const char* var = std::getenv("PARLEY_VAR"); var != nullptr && *var != '\0') context.var = var;
  if (const char* url = std::getenv("PARLEY_URL"); url != nullptr) context.url = url;
  if (const char* port = std::getenv("PARLEY_MQTT_PORT"); port != nullptr && *port != '\0') {
    char* end = nullptr;
    const long number = std::strtol(port, &end, 10);
    if (*end != '\0' || number < 1 || number > 65535) {
      throw parley::ctl::Failure(
          std::string("PARLEY_MQTT_PORT is '") + port + "': set it to a port, 1 to 65535",
          parley::ctl::kExitUsage);
    }
    context.port = static_cast<std::uint16_t>(number);
  }
}

int run(int argc, char** argv) {
  Context context;
  read_environment(context);

  parley::ctl::CommandLine line("parleyctl", "Administers a Parley server, and chats on it.");
  parley::ctl::Command app = line.root();
  app.require_subcommand();
  app.option("--var", context.var, "Folder of the server's keys [$PARLEY_VAR or ./var]");
  const auto note_broker = [&context](const std::string&) { context.broker_given = true; };
  app.option("--host", context.host, "Broker's host [127.0.0.1]").each(note_broker);
  app.option("--port", context.port, "Broker's MQTT port [$PARLEY_MQTT_PORT or 1883]")
      .in_range(1, 65535)
      .each(note_broker);
  app.option("--url", context.url, "Server's REST interface [$PARLEY_URL, var/url, the last login's]");
  app.option("--cacert", context.ca_file, "Who may have signed its certificate, a PEM file [the system's]");
  app.option("--as", context.as, "Which login to use [the last one]");
  app.flag("--json", context.json, "JSON instead of words; of lists one object a line");
  parley::ctl::add_keys_commands(app, context);
  parley::ctl::add_token_command(app, context);
  parley::ctl::add_fact_commands(app, context);
  parley::ctl::add_apply_command(app, context);
  parley::ctl::add_access_commands(app, context);
  parley::ctl::add_server_commands(app, context);
  parley::ctl::add_log_commands(app, context);
  parley::ctl::add_chat_command(app, context);
  parley::ctl::add_account_commands(app, context);
  parley::ctl::add_room_commands(app, context);
  parley::ctl::add_people_commands(app, context);
  parley::ctl::add_admin_commands(app, context);
  parley::ctl::add_completion_command(app, context);

  if (!line.parse(argc, argv)) return 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw parley::ctl::Failure("cannot write to standard output");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // `parleyctl log read | head` ends with a failed write, not with a signal
  try {
    return run(argc, argv);
  } catch (const parley::ctl::Exit& e) {
    return e.status;
  } catch (const parley::ctl::Failure& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "parleyctl: %s\n", e.what());
    return e.status;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "parleyctl: %s\n", e.what());
    return parley::ctl::kExitFailure;
  }
}
