// kick CLIENT, stats.
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

void add_server_commands(CLI::App& app, Context& context) {
  CLI::App* kick_command = app.add_subcommand("kick", "Close a client's connection (it may come back)");
  auto client = std::make_shared<std::string>();
  kick_command->add_option("client", *client, "MQTT client id, user:device")->required();
  kick_command->callback([&context, client] { kick(context, *client); });

  CLI::App* stats_command = app.add_subcommand("stats", "Figures of the broker, as it is now");
  stats_command->callback([&context] { stats(context); });
}

}  // namespace parley::ctl
