// kick CLIENT, stats.
#include <memory>
#include <string>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/control_client.h"
#include "clients/parleyctl/listing.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

void kick(const Context& context, const std::string& client) {
  if (client.empty()) throw Failure("name the client id to kick, alice:phone say", kExitUsage);
  connect_control(context)->call("kick", {{"client", client}});
  tell(context, "kicked " + printable(client), {{"kicked", client}});
}

void stats(const Context& context) {
  json::object body = connect_control(context)->call("stats");
  body.erase("req");
  body.erase("ok");
  // Figures may come bare or below "stats".
  if (json::value* inner = body.if_contains("stats"); inner != nullptr && inner->is_object()) {
    body = json::object(inner->as_object());
  }
  print_object(context, body);
}

}  // namespace

void add_server_commands(Command app, Context& context) {
  Command kick_command = app.subcommand("kick", "Close a client's connection (it may come back)");
  auto client = std::make_shared<std::string>();
  kick_command.option("client", *client, "MQTT client id, user:device").required();
  kick_command.run([&context, client] { kick(context, *client); });

  Command stats_command = app.subcommand("stats", "Figures of the broker, as it is now");
  stats_command.run([&context] { stats(context); });
}

}  // namespace parley::ctl
