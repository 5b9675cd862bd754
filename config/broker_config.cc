#include "config/broker_config.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "config/toml_section.h"

namespace parley {
namespace {

using config_detail::Problems;
using config_detail::Section;

constexpr std::array kSections = {"node", "auth",    "doorbell", "delivery",     "limits",  "queues",
                                  "log",  "replica", "metrics",  "pass_through", "messages"};
constexpr std::int64_t kMaxNode = 1023;  // ten bits of a Snowflake
constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::int64_t kDayS = 24 * 60 * 60;
// The longest payload MQTT can carry is 256 MB (MQTT 5.0, 1.5.5); ours may not outgrow the broker's
// max_packet_size (config/mosquitto.conf.in), so that what is too large is answered and not cut off.
constexpr std::int64_t kMaxPayload = 256 * 1024;
// A class of limits may open the tap this far; whoever needs more uses the class `unlimited`.
constexpr double kMaxRate = 1e6;

using Path = std::filesystem::path;

void read_node(const toml::table& doc, const Path& base, Problems& problems, NodeConfig& out) {
  Section s = Section::of(doc, "node", problems);
  s.read("id", out.id, 0, kMaxNode);
  s.path("data_dir", out.data_dir, base);
  s.finish();
}

void read_auth(const toml::table& doc, const Path& base, Problems& problems, AuthConfig& out) {
  Section s = Section::of(doc, "auth", problems);
  s.path("jwks_file", out.jwks_file, base);
  s.read("connections_grace_s", out.connections_grace, 0, kDayS);
  s.boolean("anonymous", out.anonymous);
  s.finish();
}

void read_doorbell(const toml::table& doc, const Path& base, Problems& problems, DoorbellConfig& out) {
  // sizeof(sockaddr_un::sun_path) is 108 on Linux, its end counted; see unix(7).
  constexpr std::size_t kSocketPath = 107;
  Section s = Section::of(doc, "doorbell", problems);
  s.path("socket", out.socket, base);
  s.string("host", out.host);
  s.read("port", out.port, 0, 65535);
  in_addr address{};
  if (inet_pton(AF_INET, out.host.c_str(), &address) != 1) {
    s.problem("host", "expected an IPv4 address such as \"127.0.0.1\", found \"" + out.host + "\"");
  }
  if (out.uses_socket() && out.socket.string().size() > kSocketPath) {
    s.problem("socket", "the path is longer than the " + std::to_string(kSocketPath) +
                            " bytes a unix socket can have: " + out.socket.string() +
                            "; name a shorter one (in /run, say), or use doorbell.host and doorbell.port");
  }
  s.finish();
}

void read_delivery(const toml::table& doc, Problems& problems, DeliveryConfig& out) {
  Section s = Section::of(doc, "delivery", problems);
  s.read("max_pace_ms", out.max_pace, 0, 1000);
  s.read("frame_bytes", out.frame_bytes, 1024, 16 * kMiB);
  s.read("frame_events", out.frame_events, 1, 65536);
  s.finish();
}

void read_limits(const toml::table& doc, Problems& problems, LimitsPut& out) {
  Section s = Section::of(doc, "limits", problems);
  s.number("messages_per_s", out.messages_per_s, 0, kMaxRate);
  s.number("burst", out.burst, 1, kMaxRate);
  s.read("connections", out.connections, 1, 1'000'000);
  s.number("requests_per_s", out.requests_per_s, 0, kMaxRate);
  s.number("typing_per_s", out.typing_per_s, 0, kMaxRate);
  s.number("room_messages_per_s", out.room_messages_per_s, 0, kMaxRate);
  s.number("room_bot_messages_per_s", out.room_bot_messages_per_s, 0, kMaxRate);
  s.finish();
}

void read_queues(const toml::table& doc, Problems& problems, QueueConfig& out) {
  constexpr std::int64_t kMaxQueue = std::int64_t{16} << 30;
  Section s = Section::of(doc, "queues", problems);
  s.read("uncommitted_bytes", out.uncommitted_bytes, kMiB, kMaxQueue);
  s.read("undelivered_bytes", out.undelivered_bytes, kMiB, kMaxQueue);
  s.read("shed_typing_lag_ms", out.shed_typing_lag, 1, 60'000);
  s.read("refuse_lag_ms", out.refuse_lag, 1, 600'000);
  s.read("retry_after_ms", out.retry_after, 1, 600'000);
  if (out.shed_typing_lag > out.refuse_lag) {
    s.problem({"shed_typing_lag_ms", "refuse_lag_ms"},
              "must not be above queues.refuse_lag_ms: typing is shed before chat is refused");
  }
  s.finish();
}

void read_storage(const toml::table& doc, Problems& problems, LogConfig& log, ReplicaConfig& replica) {
  constexpr std::int64_t kMaxMemoryMb = std::int64_t{1} << 20;  // a terabyte
  Section s = Section::of(doc, "log", problems);
  std::uint64_t memory = log.memory_bytes;
  s.mebibytes("memory_mb", memory, 16, kMaxMemoryMb);
  log.memory_bytes = memory;
  s.mebibytes("reserve_mb", log.reserve_bytes, 1, kMaxMemoryMb);
  s.integer("retention_days", 0, 36'500,
            [&](std::int64_t days) { log.retention = std::chrono::hours(24 * days); });
  s.read("trim_interval_s", log.trim_interval, 1, kDayS);
  s.finish();

  Section r = Section::of(doc, "replica", problems);
  memory = replica.memory_bytes;
  r.mebibytes("memory_mb", memory, 4, kMaxMemoryMb);
  replica.memory_bytes = memory;
  r.finish();
}

void read_metrics(const toml::table& doc, Problems& problems, MetricsConfig& out) {
  Section s = Section::of(doc, "metrics", problems);
  s.string("listen", out.listen);
  if (!out.listen.empty()) {
    const std::size_t colon = out.listen.rfind(':');
    const std::string port = colon == std::string::npos ? "" : out.listen.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 &&
                        port.find_first_not_of("0123456789") == std::string::npos && std::stoi(port) <= 65535;
    if (colon == 0 || !digits) {
      s.problem("listen", "expected host:port such as \"127.0.0.1:9464\", or \"\" for none; found \"" +
                              out.listen + "\"");
    }
  }
  s.finish();
}

// Why `pattern` cannot be opened to ordinary clients; empty when it can.
std::string pattern_fault(const PassThroughPattern& p) {
  if (p.pattern.empty()) return "needs a pattern, such as \"devices/%u/#\"";
  if (p.pattern.size() > 1024) return "the pattern is longer than 1024 bytes";
  std::size_t start = 0;
  bool personal = false;
  for (bool first = true, last = false; !last; first = false) {
    const std::size_t slash = p.pattern.find('/', start);
    last = slash == std::string::npos;
    const std::string_view level =
        std::string_view(p.pattern).substr(start, last ? std::string::npos : slash - start);
    start = slash + 1;
    const bool wild = level.find_first_of("+#") != std::string_view::npos;
    if (wild && level.size() > 1) return "+ and # must be a whole level";
    if (level == "#" && !last) return "# may only be the last level";
    const bool percent = level.find('%') != std::string_view::npos;
    if (percent && level != "%u" && level != "%d")
      return "only %u and %d stand for something, as a whole level";
    personal = personal || percent;
    // A first level that is not fixed could match rooms/ or users/.
    if (first && (wild || percent)) return "the first level must be a fixed word";
    if (first && (level == "rooms" || level == "users" || level.starts_with("$"))) {
      return "rooms/, users/ and topics starting with $ are Parley's own; choose another first level";
    }
  }
  if (personal && p.anonymous)
    return "%u and %d mean nothing for an anonymous client; drop them or anonymous";
  return {};
}

void read_pattern(const toml::node& node, Problems& problems, PassThroughPattern& out) {
  constexpr const char* kKey = "pass_through.patterns";
  if (!node.is_table()) {
    problems.add(node.source(), kKey,
                 R"(expected tables such as {pattern = "devices/%u/#", access = "readwrite"})");
    return;
  }
  Section s(node.as_table(), kKey, problems);
  std::string access = "readwrite";
  s.string("pattern", out.pattern);
  s.string("access", access);
  s.boolean("anonymous", out.anonymous);
  if (access == "read") {
    out.access = PassThroughAccess::read;
  } else if (access == "write") {
    out.access = PassThroughAccess::write;
  } else if (access != "readwrite") {
    s.problem("access", "expected \"read\", \"write\" or \"readwrite\", found \"" + access + "\"");
  }
  s.finish();
  if (const std::string fault = pattern_fault(out); !fault.empty()) {
    problems.add(node.source(), kKey, "\"" + out.pattern + "\": " + fault);
  }
}

void read_pass_through(const toml::table& doc, Problems& problems, bool anonymous_allowed,
                       std::vector<PassThroughPattern>& out, RetainedConfig& retained) {
  constexpr std::int64_t kMaxRetained = 10'000'000;
  constexpr std::int64_t kMaxRetainedMb = std::int64_t{1} << 20;
  Section s = Section::of(doc, "pass_through", problems);
  s.read("retained_messages", retained.messages, 0, kMaxRetained);
  s.mebibytes("retained_mb", retained.bytes, 1, kMaxRetainedMb);
  if (const toml::array* patterns = s.array("patterns")) {
    out.clear();
    for (const toml::node& node : *patterns) {
      read_pattern(node, problems, out.emplace_back());
      if (out.back().anonymous && !anonymous_allowed) {
        problems.add(node.source(), "pass_through.patterns",
                     "anonymous clients are not let in; set auth.anonymous = true or drop anonymous here");
      }
    }
  }
  s.finish();
}

void read_messages(const toml::table& doc, Problems& problems, MessageLimits& out) {
  Section s = Section::of(doc, "messages", problems);
  s.read("payload_bytes", out.payload_bytes, 256, kMaxPayload);
  s.read("body_characters", out.body_characters, 1, kMaxPayload);
  s.read("attachments", out.attachments, 0, 1000);
  s.read("mentions", out.mentions, 0, 10'000);
  s.finish();
}

}  // namespace

boost::system::result<BrokerConfig, ConfigErrors> parse_broker_config(std::string_view text,
                                                                      const Path& file) {
  Problems problems(file.string(), text);
  const auto document = config_detail::parse_document(text, file, problems);
  if (!document) return problems.text();
  const toml::table& doc = *document;
  const Path base = file.parent_path();
  BrokerConfig config;
  config_detail::refuse_unknown_sections(doc, kSections, problems);
  read_node(doc, base, problems, config.node);
  read_auth(doc, base, problems, config.auth);
  read_doorbell(doc, base, problems, config.doorbell);
  read_delivery(doc, problems, config.delivery);
  read_limits(doc, problems, config.limits);
  read_queues(doc, problems, config.queues);
  read_storage(doc, problems, config.log, config.replica);
  read_metrics(doc, problems, config.metrics);
  read_pass_through(doc, problems, config.auth.anonymous, config.pass_through, config.retained);
  read_messages(doc, problems, config.messages);
  if (!problems.empty()) return problems.text();
  return config;
}

boost::system::result<BrokerConfig, ConfigErrors> load_broker_config(const Path& file) {
  std::string problem;
  const auto text = config_detail::read_option_file(file, problem);
  if (!text) return problem;
  std::error_code ignored;
  const Path absolute = std::filesystem::absolute(file, ignored);
  return parse_broker_config(*text, absolute.empty() ? file : absolute);
}

}  // namespace parley
