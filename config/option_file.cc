#include "config/option_file.h"

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <utility>
#include <vector>

#include "config/toml_section.h"

namespace parley {
namespace {

using config_detail::Problems;
using Path = std::filesystem::path;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct OptionName {
  std::string table;  // "broker.nodes[0]"
  std::string key;
};

OptionName split(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {"", std::string(name)};
  return {std::string(name.substr(0, dot)), std::string(name.substr(dot + 1))};
}

const toml::node* find(const toml::table& document, std::string_view name) {
  return toml::at_path(document, name).node();
}

std::string line_end(std::string_view text) {
  return text.find("\r\n") != std::string_view::npos ? "\r\n" : "\n";
}

// Where a line begins; lines and columns count from 1, columns in characters.
std::size_t offset_of_line(std::string_view text, std::size_t line) {
  std::size_t at = 0;
  for (std::size_t i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) return text.size();
    at = end + 1;
  }
  return at;
}

std::size_t offset_of(std::string_view text, const toml::source_position& position) {
  std::size_t at = offset_of_line(text, position.line);
  if (at == 0 && text.starts_with(kByteOrderMark)) at = kByteOrderMark.size();  // it counts as no column
  for (std::size_t i = 1; i < position.column && at < text.size(); ++i) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  }
  return at;
}

std::string replaced(std::string_view text, std::size_t from, std::size_t to, std::string_view by) {
  std::string out(text.substr(0, from));
  out.append(by);
  out.append(text.substr(std::max(from, to)));
  return out;
}

// What the text could be with the value; whether one of them is right, only reading it tells.
std::vector<std::string> candidates(std::string_view text, const toml::table& document,
                                    const OptionName& name, std::string_view value) {
  const std::string full = name.table + "." + name.key;
  if (const toml::node* node = find(document, full); node != nullptr) {
    const toml::source_region& region = node->source();
    return {replaced(text, offset_of(text, region.begin), offset_of(text, region.end), value)};
  }
  std::vector<std::string> all;
  const std::string end = line_end(text);
  const std::string line = name.key + " = " + std::string(value);
  if (const toml::node* table = find(document, name.table); table != nullptr) {
    // Below the section's name, or first within braces.
    const std::size_t begin = offset_of(text, table->source().begin);
    const std::size_t next = offset_of_line(text, table->source().begin.line + std::size_t{1});
    const bool open = next > 0 && text[next - 1] != '\n';
    all.push_back(replaced(text, next, next, (open ? end : "") + line + end));
    const bool empty = table->is_table() && table->as_table()->empty();
    if (begin < text.size() && text[begin] == '{')
      all.push_back(replaced(text, begin + 1, begin + 1, line + (empty ? "" : ", ")));
  }
  const bool open = !text.empty() && text.back() != '\n';
  all.push_back(std::string(text) + (open ? end : "") + end + "[" + name.table + "]" + end + line + end);
  const std::size_t start = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  all.push_back(replaced(text, start, start, name.table + "." + line + end));
  return all;
}

}  // namespace

OptionResult<std::string> load_option_file(const Path& file) {
  std::string problem;
  auto text = config_detail::read_option_file(file, problem);
  if (!text) return OptionFault{problem};
  return {boost::system::in_place_value, std::move(*text)};
}

OptionResult<std::optional<std::string>> option_in(std::string_view text, const Path& file,
                                                   std::string_view name) {
  Problems problems(file.string(), text);
  const auto document = config_detail::parse_document(text, file, problems);
  if (!document) return OptionFault{problems.text()};
  const toml::node* node = find(*document, name);
  if (node == nullptr) return std::optional<std::string>();
  if (const auto* string = node->as_string()) return std::optional(string->get());
  std::ostringstream out;
  node->visit([&out](const auto& value) { out << value; });
  return std::optional(out.str());
}

OptionResult<std::string> with_option(std::string_view text, const Path& file, std::string_view name,
                                      std::string_view value) {
  Problems problems(file.string(), text);
  const auto document = config_detail::parse_document(text, file, problems);
  if (!document) return OptionFault{problems.text()};
  Problems of_value("", "");
  const auto given = config_detail::parse_document("value = " + std::string(value) + "\n", "", of_value);
  const toml::node* wanted = given && given->size() == 1 ? given->get("value") : nullptr;
  const OptionName parts = split(name);
  if (wanted == nullptr || parts.table.empty()) {
    problems.add({}, name, "what it is to be set to is no value in TOML");
    return OptionFault{problems.text()};
  }
  toml::table right = *document;
  if (find(right, parts.table) == nullptr) right.insert(parts.table, toml::table{});
  if (toml::table* table = toml::at_path(right, parts.table).as_table(); table != nullptr) {
    table->insert_or_assign(parts.key, *wanted);
    if (right == *document) return {boost::system::in_place_value, text};
    for (std::string& candidate : candidates(text, *document, parts, value)) {
      Problems ignored("", "");
      const auto read = config_detail::parse_document(candidate, file, ignored);
      if (read && *read == right) return {boost::system::in_place_value, std::move(candidate)};
    }
  }
  const toml::node* place = find(*document, name);
  if (place == nullptr) place = find(*document, parts.table);
  problems.add(place != nullptr ? place->source() : toml::source_region{}, name,
               "cannot be set in the way this is written; write [" + parts.table + "] and, below it, " +
                   parts.key + " = ...");
  return OptionFault{problems.text()};
}

std::string tell_at_option(const Path& file, std::string_view fault) {
  std::string plain = file.string() + ": " + std::string(fault);
  const std::size_t colon = fault.find(": ");
  if (colon == std::string_view::npos) return plain;
  const std::string_view name = fault.substr(0, colon);
  const auto text = load_option_file(file);
  if (!text) return plain;
  Problems problems(file.string(), *text);
  const auto document = config_detail::parse_document(*text, file, problems);
  if (!document || name.find_first_of(" \"'/") != std::string_view::npos) return plain;
  const toml::node* node = find(*document, name);
  if (node == nullptr) return plain;
  problems.add(node->source(), name, fault.substr(colon + 2));
  return problems.text();
}

}  // namespace parley
