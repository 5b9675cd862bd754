#include "bridge/http/fields.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "bridge/http/header_text.h"
#include "schemas/ids.h"
#include "schemas/raw_json.h"
#include "schemas/utf8.h"
#include "schemas/whole_number.h"

namespace parley::http {
namespace {

namespace json = boost::json;

constexpr std::string_view kUserForm =
    "2 to 32 characters of a-z, 0-9, _ . and -, the first a letter or digit";
constexpr std::string_view kRoomForm = "2 to 64 characters of a-z, 0-9, _ and -, the first a letter or digit";
constexpr std::string_view kDeviceForm = "1 to 64 characters of A-Z, a-z, 0-9, _ and -";

constexpr std::size_t kMaxDepth = 32;  // as of a message that comes by MQTT

bool is_json_type(std::string_view type) {
  const std::string_view media = type.substr(0, type.find(';'));
  std::string lower(trim(media));
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return lower == "application/json" || (lower.starts_with("application/") && lower.ends_with("+json"));
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(
      utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
  });
}

std::string expected_length(std::size_t min, std::size_t max, const char* unit) {
  if (min == 0) return "expected text of at most " + std::to_string(max) + " " + unit;
  return "expected text of " + std::to_string(min) + " to " + std::to_string(max) + " " + unit;
}

// The text as it is to be stored, or why it is refused.
struct Checked {
  std::string text;
  std::string problem;
};
Checked check_text(std::string_view given, std::size_t min, std::size_t max, text::FieldKind kind) {
  if (given.empty() && min == 0) return {};
  // Four times as long as allowed is too long however it is composed, and too long to be looked at.
  if (given.empty() || characters(given) > 4 * max + 64) return {{}, expected_length(min, max, "characters")};
  text::FieldText checked = text::check_field(given, kind);
  if (!checked.problem.empty()) {
    if (min == 0 && checked.nothing_seen) checked.problem += "; to have none, send \"\"";
    return {{}, std::move(checked.problem)};
  }
  if (checked.characters < min || checked.characters > max)
    return {{}, expected_length(min, max, "characters")};
  return {std::move(checked.text), {}};
}

std::string list_of(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out.append("\"").append(words[i]).append("\"");
  }
  return out;
}

}  // namespace

bool is_json(const Request& request) {
  const auto type = request.header("Content-Type");
  return type && is_json_type(*type);
}

Fields::Fields(const Request& request) : null_is_wrong_(request.method == Method::patch) {
  if (request.body.empty()) return;
  if (!is_json(request)) {
    refusal_ = problem({415, "unsupported_media_type", "send the body as Content-Type: application/json"});
    return;
  }
  const auto coding = request.header("Content-Encoding");
  if (coding && !coding->empty() && !same_token(*coding, "identity")) {
    refusal_ = problem({415, "unsupported_media_type", "send the body as it is, without Content-Encoding"});
    return;
  }
  if (!scan_utf8(request.body).valid) {
    refusal_ = bad_request("the body is not valid UTF-8; encode its text as UTF-8");
    return;
  }
  boost::system::error_code error;
  json::value value = json::parse(skip_byte_order_mark(request.body), error, {}, {.max_depth = kMaxDepth});
  if (error) {
    refusal_ = bad_request("the body is not valid JSON: " + error.message());
  } else if (!value.is_object()) {
    refusal_ = bad_request("the body must be a JSON object");
  } else {
    object_ = std::move(value.as_object());
  }
}

const json::value* Fields::find(std::string_view name) {
  known_.emplace_back(name);
  const json::value* value = object_.if_contains(name);
  if (value == nullptr || !value->is_null()) return value;
  if (null_is_wrong_) wrong(name, "cannot be null, because there is always one; leave it out to keep it");
  return nullptr;
}

void Fields::clear_by_null(std::string_view name, const json::value& cleared) {
  if (is_null(name)) object_[name] = cleared;
}

const json::value* Fields::raw(std::string_view name) {
  known_.emplace_back(name);
  return object_.if_contains(name);
}

bool Fields::has(std::string_view name) const { return object_.contains(name); }
bool Fields::is_null(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  return value != nullptr && value->is_null();
}

void Fields::wrong(std::string_view name, std::string message) {
  if (!refusal_) refusal_ = invalid(std::string(name), std::move(message));
}

std::optional<std::string> Fields::optional_text(std::string_view name, std::size_t min, std::size_t max) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string() || characters(value->get_string()) < min || characters(value->get_string()) > max) {
    wrong(name, expected_length(min, max, "characters"));
    return std::nullopt;
  }
  if (has_controls(value->get_string())) {
    wrong(name, "must not hold control characters");
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::optional<std::string> Fields::optional_field(std::string_view name, std::size_t min, std::size_t max,
                                                  text::FieldKind kind) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    wrong(name, expected_length(min, max, "characters"));
    return std::nullopt;
  }
  Checked checked = check_text(value->get_string(), min, max, kind);
  if (checked.problem.empty()) return std::move(checked.text);
  wrong(name, std::move(checked.problem));
  return std::nullopt;
}
std::optional<std::string> Fields::optional_line(std::string_view name, std::size_t min, std::size_t max) {
  return optional_field(name, min, max, text::FieldKind::one_line);
}
std::optional<std::string> Fields::optional_longer_text(std::string_view name, std::size_t min,
                                                        std::size_t max) {
  return optional_field(name, min, max, text::FieldKind::longer);
}

std::optional<std::string> Fields::optional_secret(std::string_view name, std::size_t min, std::size_t max) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string() || value->get_string().size() < min || value->get_string().size() > max) {
    wrong(name, expected_length(min, max, "bytes"));
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::optional<text::PreparedPassword> Fields::optional_password(std::string_view name, std::size_t min,
                                                                std::size_t max) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  // As much text as can come to `max` characters: four code points each, of four bytes.
  if (value->is_string() && value->get_string().size() <= 16 * max) {
    auto prepared = text::prepare_password(value->get_string());
    if (prepared && prepared->characters >= min && prepared->characters <= max) return prepared;
  }
  wrong(name, expected_length(min, max, "characters"));
  return std::nullopt;
}

std::string Fields::text(std::string_view name, std::size_t min, std::size_t max) {
  auto value = optional_text(name, min, max);
  if (!value) wrong(name, "is missing: " + expected_length(min, max, "characters"));
  return value.value_or("");
}

std::string Fields::secret(std::string_view name, std::size_t min, std::size_t max) {
  auto value = optional_secret(name, min, max);
  if (!value) wrong(name, "is missing: " + expected_length(min, max, "bytes"));
  return value.value_or("");
}

text::PreparedPassword Fields::password(std::string_view name, std::size_t min, std::size_t max) {
  auto value = optional_password(name, min, max);
  if (!value) wrong(name, "is missing: " + expected_length(min, max, "characters"));
  return value.value_or(text::PreparedPassword());
}

std::optional<std::string> Fields::checked_name(std::string_view name, bool (*valid)(std::string_view),
                                                std::string_view form) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string() || !valid(value->get_string())) {
    wrong(name, "expected " + std::string(form));
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::optional<std::string> Fields::optional_user(std::string_view name) {
  return checked_name(name, &is_user_name, kUserForm);
}
std::optional<std::string> Fields::optional_room(std::string_view name) {
  return checked_name(name, &is_room_name, kRoomForm);
}
std::optional<std::string> Fields::optional_device(std::string_view name) {
  return checked_name(name, &is_device_name, kDeviceForm);
}

std::string Fields::user(std::string_view name) {
  auto value = optional_user(name);
  if (!value) wrong(name, "is missing: expected " + std::string(kUserForm));
  return value.value_or("");
}
std::string Fields::room(std::string_view name) {
  auto value = optional_room(name);
  if (!value) wrong(name, "is missing: expected " + std::string(kRoomForm));
  return value.value_or("");
}
std::string Fields::device(std::string_view name) {
  auto value = optional_device(name);
  if (!value) wrong(name, "is missing: expected " + std::string(kDeviceForm));
  return value.value_or("");
}

std::optional<std::vector<std::string>> Fields::optional_users(std::string_view name, std::size_t max) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> out;
  const bool fits = value->is_array() && value->get_array().size() <= max;
  if (fits) {
    for (const json::value& entry : value->get_array()) {
      if (!entry.is_string() || !is_user_name(entry.get_string())) break;
      out.emplace_back(entry.get_string());
    }
  }
  if (!fits || out.size() != value->get_array().size()) {
    wrong(name, "expected an array of at most " + std::to_string(max) + " user names");
    return std::nullopt;
  }
  return out;
}

std::optional<std::int64_t> Fields::optional_integer(std::string_view name, std::int64_t min,
                                                     std::int64_t max) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = whole_number<std::int64_t>(*value);
  if (!number || *number < min || *number > max) {
    wrong(name, "expected a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
  }
  return number;
}

std::int64_t Fields::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  const auto value = optional_integer(name, min, max);
  if (!value) {
    wrong(name,
          "is missing: expected a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return value.value_or(min);
}

std::optional<double> Fields::optional_number(std::string_view name, double min, double max) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  boost::system::error_code error;
  const double number = value->is_number() ? value->to_number<double>(error) : std::nan("");
  if (error || !(number >= min && number <= max)) {
    std::string low = std::to_string(min);
    std::string high = std::to_string(max);
    wrong(name, "expected a number from " + low + " to " + high);
    return std::nullopt;
  }
  return number;
}

std::optional<bool> Fields::optional_boolean(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) {
    wrong(name, "expected true or false");
    return std::nullopt;
  }
  return value->get_bool();
}

std::optional<std::string> Fields::optional_choice(std::string_view name,
                                                   const std::vector<std::string_view>& words) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool known = value->is_string() && std::find(words.begin(), words.end(),
                                                     std::string_view(value->get_string())) != words.end();
  if (!known) {
    wrong(name, "expected " + list_of(words));
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::string Fields::choice(std::string_view name, const std::vector<std::string_view>& words) {
  auto value = optional_choice(name, words);
  if (!value) wrong(name, "is missing: expected " + list_of(words));
  return value.value_or("");
}

std::optional<Response> Fields::refusal() {
  if (refusal_) return std::move(refusal_);
  for (const auto& member : object_) {
    const std::string_view name = member.key();
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      return invalid(std::string(name), "there is no such member here; leave it out");
    }
  }
  return std::nullopt;
}

std::optional<Response> read_longer_text(std::string_view name, std::string_view given, std::size_t max,
                                         std::string& out) {
  Checked checked = check_text(given, 0, max, text::FieldKind::longer);
  out = std::move(checked.text);
  if (checked.problem.empty()) return std::nullopt;
  return invalid(std::string(name), std::move(checked.problem));
}

std::optional<Response> read_page(const Request& request, Page& out) {
  out.cursor = request.query("cursor").value_or("");
  const auto limit = request.query("limit");
  if (!limit) return std::nullopt;
  const auto whole = parse_whole_number(*limit);
  const auto number = whole ? whole->as<std::size_t>() : std::nullopt;
  if (!number || *number < 1 || *number > kMaxPage) {
    return invalid("limit", "expected a whole number from 1 to " + std::to_string(kMaxPage));
  }
  out.limit = *number;
  return std::nullopt;
}

std::optional<Response> read_idempotency_key(const Request& request, std::optional<std::string>& out) {
  const auto key = request.header("Idempotency-Key");
  if (!key) return std::nullopt;
  const bool printable = std::all_of(key->begin(), key->end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (key->empty() || key->size() > 64 || !printable) {
    return invalid("Idempotency-Key",
                   "expected 1 to 64 printable ASCII characters without spaces, such as a UUID");
  }
  out = std::string(*key);
  return std::nullopt;
}

}  // namespace parley::http
