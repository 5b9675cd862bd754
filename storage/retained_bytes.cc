#include "storage/retained_bytes.h"

#include "storage/log_bytes.h"

namespace parley::storage {
namespace {
constexpr char kVersion = 1;
constexpr std::size_t kHeader = 2 + 3 * kFixed64;
}  // namespace

void make_retained_value(const RetainedMessage& message, std::string& out) {
  out.assign(1, kVersion);
  out.push_back(static_cast<char>(message.qos));
  out.append(Fixed64(static_cast<std::uint64_t>(message.expires_s)).view());
  out.append(Fixed64(message.owner.size()).view());
  out.append(Fixed64(message.properties.size()).view());
  out.append(message.owner).append(message.properties).append(message.payload);
}

std::optional<RetainedMessage> parse_retained(std::string_view topic, std::string_view value) {
  if (topic.empty() || value.size() <= kHeader || value[0] != kVersion || value[1] < 0 || value[1] > 2)
    return std::nullopt;
  const std::uint64_t owner = get_fixed64(value.data() + 2 + kFixed64);
  const std::uint64_t properties = get_fixed64(value.data() + 2 + 2 * kFixed64);
  RetainedMessage message{.topic = topic,
                          .payload = {},
                          .properties = {},
                          .owner = {},
                          .qos = static_cast<std::uint8_t>(value[1]),
                          .expires_s = static_cast<std::int64_t>(get_fixed64(value.data() + 2))};
  value.remove_prefix(kHeader);
  if (owner > value.size() || properties > value.size() - owner) return std::nullopt;
  message.owner = value.substr(0, owner);
  message.properties = value.substr(owner, properties);
  message.payload = value.substr(owner + properties);
  if (message.payload.empty() || message.expires_s < 0) return std::nullopt;
  return message;
}

}  // namespace parley::storage
