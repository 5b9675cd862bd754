#include "broker-plugin/signal.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "schemas/ids.h"
#include "schemas/raw_json.h"
#include "schemas/whole_number.h"

namespace parley::plugin {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBytes = 1024;
constexpr std::string_view kUser = R"({"user":")";

Refusal bad(std::string message) { return {Code::bad_payload, std::move(message), {}}; }

std::optional<json::value> parse_object(std::string_view payload) {
  if (payload.size() > kMaxBytes) return std::nullopt;
  json::error_code error;
  payload = skip_byte_order_mark(payload);
  json::value value = json::parse(json::string_view(payload.data(), payload.size()), error);
  if (error || !value.is_object()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> seq_of(const json::value& value) {
  auto seq = whole_number<std::uint64_t>(value);
  if (const json::string* text =
          value.if_string()) {  // of shells and templates, whose values are all strings
    const auto number = parse_whole_number(*text);
    seq = number ? number->as<std::uint64_t>() : std::nullopt;
  }
  return seq && *seq < kSeqLimit ? seq : std::nullopt;
}

}  // namespace

Result<std::string> stamp_typing(std::string_view payload, std::string_view user) {
  const auto value = parse_object(payload);
  const json::value* typing = value ? value->get_object().if_contains("typing") : nullptr;
  if (typing == nullptr || !typing->is_bool()) return bad(R"(typing is {"typing":true} or {"typing":false})");
  std::string out(kUser);
  out += user;
  out += R"(","typing":)";
  out += typing->get_bool() ? "true}" : "false}";
  return out;
}

bool is_stamped_by(std::string_view stamped, std::string_view user) {
  if (!stamped.starts_with(kUser)) return false;
  stamped.remove_prefix(kUser.size());
  return stamped.starts_with(user) && stamped.substr(user.size()).starts_with('"');
}

Result<std::string> stamp_receipt(std::string_view payload, std::string_view user) {
  const auto value = parse_object(payload);
  if (!value) return bad(R"(a receipt is {"delivered":seq,"read":seq})");
  std::string out(kUser);
  out += user;
  out += '"';
  bool any = false;
  for (const char* name : {"delivered", "read"}) {
    const json::value* field = value->get_object().if_contains(name);
    if (field == nullptr || field->is_null()) continue;
    const auto seq = seq_of(*field);
    if (!seq) return bad(std::string("`") + name + "` must be a seq: a whole number from 0 to 2^53");
    out += std::string(",\"") + name + "\":" + std::to_string(*seq);
    any = true;
  }
  if (!any) return bad(R"(a receipt needs "delivered" or "read")");
  return out + "}";
}

}  // namespace parley::plugin
