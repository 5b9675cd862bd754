#include "clients/parleyctl/listing.h"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>

#include "clients/parleyctl/chat/text.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

std::string time_text(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%MZ", &parts) == 0) {
    return std::to_string(ms);
  }
  return text;
}

std::string cell(const json::object& row, const Column& column) {
  const json::value* value = row.if_contains(column.field);
  if (value == nullptr || value->is_null()) return "-";
  if (column.is_time && value->is_int64()) return time_text(value->as_int64());
  if (value->is_string()) return printable(value->as_string());
  return printable(json::serialize(*value));
}

std::size_t columns_of(std::string_view text) { return static_cast<std::size_t>(chat::width_of(text)); }

bool is_number(const json::object& row, const Column& column) {
  const json::value* value = row.if_contains(column.field);
  return !column.is_time && value != nullptr && value->is_number();
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
  return printable(json::serialize(value));
}

// Times are milliseconds since 1970 everywhere in the interface.
bool names_time(std::string_view name) { return name.ends_with("_at") || name.ends_with("_until"); }

std::string shown(const std::string& name, const json::value& value) {
  if (names_time(name) && value.is_int64()) return time_text(value.as_int64());
  if (name.ends_with("port")) return json::serialize(value);  // a name, not a quantity
  return figure(value);
}

// Flattens {"log":{"bytes":1}} to "log.bytes  1", and the objects of an array to "nodes.0.host".
using Lines = std::vector<std::pair<std::string, const json::value*>>;
void flatten(const json::object& object, const std::string& prefix, Lines& out);

void flatten_value(const std::string& name, const json::value& value, Lines& out) {
  if (value.is_object()) {
    flatten(value.as_object(), name + ".", out);
  } else if (value.is_array() && !value.as_array().empty() && value.as_array()[0].is_object()) {
    std::size_t i = 0;
    for (const json::value& item : value.as_array())
      flatten_value(name + "." + std::to_string(i++), item, out);
  } else {
    out.emplace_back(name, &value);
  }
}

void flatten(const json::object& object, const std::string& prefix, Lines& out) {
  for (const auto& [key, value] : object) flatten_value(prefix + printable(key), value, out);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return chat::clean_line(out);
}

std::string format_table(const std::vector<Column>& columns, const std::vector<json::object>& rows) {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (const Column& column : columns) {
    std::size_t width = column.title.size();
    bool numbers = !rows.empty();
    for (const json::object& row : rows) {
      width = std::max(width, columns_of(cell(row, column)));
      numbers = numbers && is_number(row, column);
    }
    widths.push_back(width);
    right.push_back(numbers);
  }
  std::string out;
  const auto add_line = [&](auto&& text_of) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string text = text_of(columns[i]);
      const std::string fill(widths[i] - std::min(widths[i], columns_of(text)), ' ');
      line += (i == 0 ? "" : "  ") + (right[i] ? fill + text : text + fill);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_line([](const Column& column) { return column.title; });
  for (const json::object& row : rows) {
    add_line([&](const Column& column) { return cell(row, column); });
  }
  return out;
}

void print_rows(const Context& context, const std::vector<Column>& columns,
                const std::vector<json::object>& rows) {
  if (!context.json) {
    std::fputs(format_table(columns, rows).c_str(), stdout);
    return;
  }
  for (const json::object& row : rows) std::printf("%s\n", json::serialize(row).c_str());
}

void print_object(const Context& context, const json::object& object) {
  if (context.json) {
    std::printf("%s\n", json::serialize(object).c_str());
    return;
  }
  Lines lines;
  flatten(object, "", lines);
  std::size_t names = 0;
  std::size_t figures = 0;
  const auto to_the_right = [](const auto& line) {
    return line.second->is_number() && !names_time(line.first);
  };
  for (const auto& line : lines) {
    names = std::max(names, line.first.size());
    if (to_the_right(line)) figures = std::max(figures, figure(*line.second).size());
  }
  for (const auto& line : lines) {
    std::printf("%-*s  %*s\n", static_cast<int>(names), line.first.c_str(),
                to_the_right(line) ? static_cast<int>(figures) : 0, shown(line.first, *line.second).c_str());
  }
}

void print_list(const Context& context, RestClient& client, const std::string& path,
                const std::vector<Column>& columns) {
  print_some(context, client, path, std::numeric_limits<std::size_t>::max(), columns);
}

void print_some(const Context& context, RestClient& client, const std::string& path, std::size_t count,
                const std::vector<Column>& columns) {
  std::vector<json::object> rows;
  std::size_t seen = 0;
  client.each(path, [&](json::object&& item) {
    if (context.json) {
      std::printf("%s\n", json::serialize(item).c_str());
    } else {
      rows.push_back(std::move(item));
    }
    return ++seen < count;
  });
  if (!context.json) std::fputs(format_table(columns, rows).c_str(), stdout);
}

}  // namespace parley::ctl
