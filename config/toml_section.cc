#define TOML_IMPLEMENTATION
#include "config/toml_section.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace parley::config_detail {
namespace {

std::string format_number(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

// Levenshtein distance: how many letters to insert, drop or change.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

}  // namespace

void Problems::add(const toml::source_region& where, std::string_view key, std::string_view message) {
  text_ += text_.empty() ? "" : "\n";
  text_ += file_;
  if (where.begin.line > 0) text_ += ":" + std::to_string(where.begin.line);
  text_ += ": ";
  if (!key.empty()) text_.append(key).append(": ");
  text_ += message;
}

std::string_view nearest(std::string_view name, const std::vector<std::string>& known) {
  std::string_view best;
  // A third of the letters may be wrong; more than that is another word.
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    // A forgotten unit (max_pace for max_pace_ms) is no typing error, but near all the same.
    const bool unit_missing = candidate.starts_with(std::string(name) + "_");
    const std::size_t distance = unit_missing ? 1 : edit_distance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

Section::Section(const toml::table* table, std::string name, Problems& problems)
    : table_(table), name_(std::move(name)), problems_(problems) {}

Section Section::of(const toml::table& document, const std::string& name, Problems& problems) {
  const toml::node* node = document.get(name);
  if (node != nullptr && !node->is_table()) {
    problems.add(node->source(), name,
                 "expected a section, found " + std::string(type_name(*node)) + "; write [" + name + "]");
    node = nullptr;
  }
  return Section(node != nullptr ? node->as_table() : nullptr, name, problems);
}

const toml::node* Section::find(const char* key) {
  known_.emplace_back(key);
  return table_ != nullptr ? table_->get(key) : nullptr;
}

std::string Section::full(std::string_view key) const { return name_ + "." + std::string(key); }

void Section::integer(const char* key, std::int64_t low, std::int64_t high,
                      const std::function<void(std::int64_t)>& set) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const std::string range = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  const auto* value = node->as_integer();
  if (value == nullptr) {
    problems_.add(node->source(), full(key),
                  "expected " + range + ", found " + std::string(type_name(*node)));
  } else if (value->get() < low || value->get() > high) {
    problems_.add(node->source(), full(key), "expected " + range + ", found " + std::to_string(value->get()));
  } else {
    set(value->get());
  }
}

void Section::mebibytes(const char* key, std::uint64_t& out, std::int64_t low, std::int64_t high) {
  integer(key, low, high, [&](std::int64_t v) { out = static_cast<std::uint64_t>(v) << 20; });
}

void Section::number(const char* key, double& out, double low, double high) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const std::string range = "a number from " + format_number(low) + " to " + format_number(high);
  const std::optional<double> value = node->is_number() ? node->value<double>() : std::nullopt;
  if (!value) {
    problems_.add(node->source(), full(key),
                  "expected " + range + ", found " + std::string(type_name(*node)));
  } else if (std::isnan(*value) || *value < low || *value > high) {
    problems_.add(node->source(), full(key), "expected " + range + ", found " + format_number(*value));
  } else {
    out = *value;
  }
}

void Section::boolean(const char* key, bool& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto* value = node->as_boolean()) {
    out = value->get();
  } else {
    problems_.add(node->source(), full(key),
                  "expected true or false, found " + std::string(type_name(*node)));
  }
}

void Section::string(const char* key, std::string& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto* value = node->as_string();
  if (value == nullptr) {
    problems_.add(node->source(), full(key), "expected a string, found " + std::string(type_name(*node)));
  } else if (value->get().find('\0') != std::string::npos) {
    problems_.add(node->source(), full(key), "must not hold a NUL character");
  } else {
    out = value->get();
  }
}

void Section::path(const char* key, std::filesystem::path& out, const std::filesystem::path& base) {
  std::string text = out.string();
  string(key, text);
  if (text.empty()) problem(key, "expected a path, found an empty string");
  out = (base / text).lexically_normal();
}

const toml::array* Section::array(const char* key) {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (const auto* value = node->as_array()) return value;
  problems_.add(node->source(), full(key), "expected an array, found " + std::string(type_name(*node)));
  return nullptr;
}

void Section::problem(const char* key, std::string_view message) {
  const toml::node* node = table_ != nullptr ? table_->get(key) : nullptr;
  problems_.add(node != nullptr ? node->source() : toml::source_region{}, full(key), message);
}

void Section::finish() {
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    std::string message = "there is no such option";
    if (const std::string_view near = nearest(key.str(), known_); !near.empty()) {
      message.append("; did you mean ").append(near).append("?");
    }
    problems_.add(key.source(), full(key.str()), message);
  }
}

}  // namespace parley::config_detail
