// kick CLIENT, stats.
#include <cmath>
#include <cstdio>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/control_client.h"
#include "clients/parleyctl/listing.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

void kick(const Context& context, const std::string& client) {
  if (client.empty()) throw Failure("name the client id to kick, alice:phone say", kExitUsage);
  connect_control(context)->call("kick", {{"client", client}});
  std::printf("kicked %s\n", printable(client).c_str());
}

// 1234567 -> "1,234,567"
std::string grouped(std::string digits) {
  const std::size_t start = !digits.empty() && digits[0] == '-' ? 1 : 0;
  for (std::size_t i = digits.size(); i > start + 3;) digits.insert(i -= 3, ",");
  return digits;
}

std::string figure(const json::value& value) {
  if (value.is_int64()) return grouped(std::to_string(value.as_int64()));
  if (value.is_uint64()) return grouped(std::to_string(value.as_uint64()));
  if (value.is_double()) {
    char text[64];
    std::snprintf(text, sizeof text, std::abs(value.as_double()) < 100 ? "%.3f" : "%.1f", value.as_double());
    return text;
  }
  if (value.is_string()) return printable(value.as_string());
  return json::serialize(value);
}

// Flattens {"log":{"bytes":1}} to "log.bytes  1".
void flatten(const json::object& object, const std::string& prefix,
             std::vector<std::pair<std::string, const json::value*>>& out) {
  for (const auto& [key, value] : object) {
    const std::string name = prefix + printable(key);
    if (value.is_object()) {
      flatten(value.as_object(), name + ".", out);
    } else {
      out.emplace_back(name, &value);
    }
  }
}

void stats(const Context& context, bool as_json) {
  json::object body = connect_control(context)->call("stats");
  body.erase("req");
  body.erase("ok");
  // Figures may come bare or below "stats".
  if (json::value* inner = body.if_contains("stats"); inner != nullptr && inner->is_object()) {
    body = json::object(inner->as_object());
  }
  if (as_json) {
    std::printf("%s\n", json::serialize(body).c_str());
    return;
  }
  std::vector<std::pair<std::string, const json::value*>> lines;
  flatten(body, "", lines);
  std::size_t names = 0;
  std::size_t figures = 0;
  for (const auto& [name, value] : lines) {
    names = std::max(names, name.size());
    if (value->is_number()) figures = std::max(figures, figure(*value).size());
  }
  for (const auto& [name, value] : lines) {
    std::printf("%-*s  %*s\n", static_cast<int>(names), name.c_str(),
                value->is_number() ? static_cast<int>(figures) : 0, figure(*value).c_str());
  }
}

}  // namespace

void add_server_commands(CLI::App& app, Context& context) {
  CLI::App* kick_command = app.add_subcommand("kick", "Close a client's connection (it may come back)");
  auto client = std::make_shared<std::string>();
  kick_command->add_option("client", *client, "MQTT client id, user:device")->required();
  kick_command->callback([&context, client] { kick(context, *client); });

  CLI::App* stats_command = app.add_subcommand("stats", "Figures of the broker, as it is now");
  auto as_json = std::make_shared<bool>(false);
  stats_command->add_flag("--json", *as_json, "One JSON object");
  stats_command->callback([&context, as_json] { stats(context, *as_json); });
}

}  // namespace parley::ctl
