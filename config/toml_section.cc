#define TOML_IMPLEMENTATION
#include "config/toml_section.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

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

Problems::Problems(std::string file, std::string_view text) : file_(std::move(file)) {
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines_.push_back(std::move(line));
}

void Problems::add(const toml::source_region& where, std::string_view key, std::string_view message) {
  found_.push_back({where.begin.line, where.begin.column, "", std::string(key), std::string(message)});
}

void Problems::add_unknown(const toml::source_region& where, std::string_view section, std::string_view key) {
  found_.push_back({where.begin.line, where.begin.column, std::string(section), std::string(key), ""});
}

void Problems::knows(const std::string& section, const std::vector<std::string>& keys) {
  for (const auto& [name, names] : known_)
    if (name == section) return;
  known_.emplace_back(section, keys);
}

std::string Problems::advice(const Found& unknown) const {
  std::string all;
  for (const auto& [section, keys] : known_) {
    if (section != unknown.section) continue;
    if (const std::string_view near = nearest(unknown.name, keys); !near.empty())
      return "; did you mean " + std::string(near) + "?";
    for (const std::string& key : keys) all += (all.empty() ? "" : ", ") + key;
  }
  for (const auto& [section, keys] : known_)
    if (std::find(keys.begin(), keys.end(), unknown.name) != keys.end())
      return "; it belongs below [" + section + "]";
  return all.empty() ? "" : "; there are " + all;
}

// The line, and a mark below where it is wrong.
std::string Problems::shown(const Found& found) const {
  if (found.line == 0 || found.line > lines_.size()) return "";
  const std::string& line = lines_[found.line - 1];
  const std::string seen = showable(line);
  const std::string number = std::to_string(found.line);
  std::string text = "\n  " + number + " | " + seen;
  // Where something is left out, the mark would stand below something else.
  if (found.column == 0 || !line.starts_with(seen)) return text;
  text += "\n  " + std::string(number.size(), ' ') + " | ";
  std::uint32_t column = 1;
  for (const char c : line) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;  // within a character
    if (column++ >= found.column) break;
    text += c == '\t' ? '\t' : ' ';
  }
  return text + '^';
}

std::string Problems::text() const {
  std::vector<const Found*> order;
  for (const Found& found : found_) order.push_back(&found);
  std::stable_sort(order.begin(), order.end(), [](const Found* a, const Found* b) {
    return std::pair(a->line, a->column) < std::pair(b->line, b->column);
  });
  std::string text;
  for (const Found* found : order) {
    text += (text.empty() ? "" : "\n") + file_;
    if (found->line > 0) text += ":" + std::to_string(found->line) + ":" + std::to_string(found->column);
    text += ": ";
    const std::string name = found->section.empty() ? found->name : found->section + "." + found->name;
    if (!name.empty()) text += name + ": ";
    text += found->message.empty() ? "there is no such option" + advice(*found) : found->message;
    text += shown(*found);
  }
  return text;
}

std::string showable(std::string_view line) {
  constexpr std::size_t kWidth = 160;
  std::string out(line);
  std::string lower = out;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  // postgresql://user:PASSWORD@host
  if (const std::size_t scheme = out.find("://"); scheme != std::string::npos) {
    const std::size_t colon = out.find(':', scheme + 3);
    // As far as the string goes: what is said behind it may have signs of its own. Unless it is none yet,
    // because a quote in the password has ended it.
    const std::size_t quote = out.find_last_of("'\"", scheme);
    const std::size_t end = quote == std::string::npos ? quote : out.find(out[quote], scheme);
    const bool is_within = out.find('@', scheme) < end;
    const std::size_t at = out.rfind('@', is_within ? end : std::string::npos);
    if (colon != std::string::npos && at != std::string::npos && colon < at)
      out.replace(colon + 1, at - colon - 1, "***"), lower.replace(colon + 1, at - colon - 1, "***");
  }
  // A secret in the place of the name of a file that holds it, password=... in a connection string: whatever
  // follows such a word.
  for (const std::string_view word : {"password", "secret", "passwd", "token"}) {
    const std::size_t found = lower.find(word);
    if (found == std::string::npos) continue;
    const std::size_t equals = out.find('=', found);
    if (equals == std::string::npos) continue;
    const std::size_t value = out.find_first_not_of(" \t", equals + 1);
    if (value == std::string::npos ||
        (out[value] >= '0' && out[value] <= '9' && found < equals && word == "token"))
      continue;
    out.replace(value, std::string::npos, "***");
    break;
  }
  std::erase(out, '\r');
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') c = '?';
  if (out.size() > kWidth) {
    std::size_t end = kWidth;
    while ((static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
    out.resize(end);
  }
  return out;
}

std::optional<std::string> read_option_file(const std::filesystem::path& file, std::string& problem) {
  constexpr std::uintmax_t kMost = std::uintmax_t{16} << 20;
  const auto no = [&](const std::string& why) {
    problem = file.string() + ": cannot be read: " + why;
    return std::nullopt;
  };
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::directory) return no("it is a folder");
  // Reading a pipe might never end.
  if (std::filesystem::exists(status) && status.type() != std::filesystem::file_type::regular)
    return no("it is no ordinary file");
  if (std::filesystem::exists(status) && std::filesystem::file_size(file, error) > kMost && !error)
    return no("it is far too long for a file of options");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::string text;
  if (in) text.assign(std::istreambuf_iterator<char>(in), {});
  if (!in) return no(std::strerror(errno));
  return text;
}

std::optional<toml::table> parse_document(std::string_view text, const std::filesystem::path& file,
                                          Problems& problems) {
  try {
    return toml::parse(text, file.string());
  } catch (const toml::parse_error& error) {
    problems.add(error.source(), "", "not valid TOML: " + std::string(error.description()));
    return std::nullopt;
  }
}

void refuse_unknown_sections(const toml::table& document, std::span<const char* const> sections,
                             Problems& problems) {
  const std::vector<std::string> known(sections.begin(), sections.end());
  for (const auto& [key, node] : document) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    if (!node.is_table() && !node.is_array_of_tables()) {
      problems.add_unknown(key.source(), "", key.str());
      continue;
    }
    std::string message = "there is no such section";
    if (const std::string_view near = nearest(key.str(), known); !near.empty()) {
      message.append("; did you mean [").append(near).append("]?");
    } else {
      message += "; there are";
      for (const std::string& one : known) message += (&one == &known.front() ? " [" : ", [") + one + "]";
    }
    problems.add(key.source(), key.str(), message);
  }
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
  std::optional<std::int64_t> value;
  if (const auto* whole = node->as_integer()) value = whole->get();
  if (const auto* real = node->as_floating_point()) {  // 60.0 is as whole as 60
    constexpr double kExact = 9007199254740992.0;      // 2^53
    const double number = real->get();
    if (std::fabs(number) <= kExact && number == std::trunc(number)) {
      value = static_cast<std::int64_t>(number);
    } else {
      return problems_.add(node->source(), full(key),
                           "expected " + range + ", found " + format_number(number));
    }
  }
  if (!value) {
    problems_.add(node->source(), full(key),
                  "expected " + range + ", found " + std::string(type_name(*node)));
  } else if (*value < low || *value > high) {
    problems_.add(node->source(), full(key), "expected " + range + ", found " + std::to_string(*value));
  } else {
    set(*value);
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

void Section::problem(std::initializer_list<const char*> keys, std::string_view message) {
  const toml::node* node = table_;  // the section's own line when none is there
  for (const char* key : keys) {
    if (table_ == nullptr || table_->get(key) == nullptr) continue;
    node = table_->get(key);
    break;
  }
  problems_.add(node != nullptr ? node->source() : toml::source_region{}, full(*keys.begin()), message);
}

void Section::finish() {
  problems_.knows(name_, known_);
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) == known_.end())
      problems_.add_unknown(key.source(), name_, key.str());
  }
}

}  // namespace parley::config_detail
