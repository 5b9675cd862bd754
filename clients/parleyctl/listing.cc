#include "clients/parleyctl/listing.h"

#include <cstdio>

#include "clients/parleyctl/control_client.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kPage = 500;

std::string cell(const json::object& row, const std::string& field) {
  const json::value* value = row.if_contains(field);
  if (value == nullptr || value->is_null()) return "-";
  if (value->is_string()) return printable(value->as_string());
  return json::serialize(*value);
}

bool is_number(const json::object& row, const std::string& field) {
  const json::value* value = row.if_contains(field);
  return value != nullptr && value->is_number();
}

struct ListOptions {
  std::string room;
  bool as_json = false;
};

void list(const Context& context, const std::string& what, const std::vector<Column>& columns,
          const ListOptions& options) {
  json::object fields{{"what", what}, {"limit", kPage}};
  if (what == "members") fields["room"] = room_name(options.room).str();
  auto control = connect_control(context);
  std::vector<json::object> rows;
  while (true) {
    json::object page = control->call("list", fields);
    if (json::value* items = page.if_contains("items"); items != nullptr && items->is_array()) {
      for (json::value& item : items->as_array()) {
        if (!item.is_object()) continue;
        if (options.as_json) {
          std::printf("%s\n", json::serialize(item).c_str());
        } else {
          rows.push_back(std::move(item.as_object()));
        }
      }
    }
    const json::value* next = page.if_contains("next");
    if (next == nullptr || !next->is_string() || next->as_string().empty()) break;
    if (const json::value* after = fields.if_contains("after"); after != nullptr && *after == *next) {
      throw Failure("the broker answered the same page twice; the list above is incomplete");
    }
    fields["after"] = *next;
  }
  if (!options.as_json) std::fputs(format_table(columns, rows).c_str(), stdout);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string format_table(const std::vector<Column>& columns, const std::vector<json::object>& rows) {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (const Column& column : columns) {
    std::size_t width = column.title.size();
    bool numbers = !rows.empty();
    for (const json::object& row : rows) {
      width = std::max(width, cell(row, column.field).size());
      numbers = numbers && is_number(row, column.field);
    }
    widths.push_back(width);
    right.push_back(numbers);
  }
  std::string out;
  const auto add_line = [&](auto&& text_of) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string text = text_of(columns[i]);
      const std::string fill(widths[i] - std::min(widths[i], text.size()), ' ');
      line += (i == 0 ? "" : "  ") + (right[i] ? fill + text : text + fill);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_line([](const Column& column) { return column.title; });
  for (const json::object& row : rows) {
    add_line([&](const Column& column) { return cell(row, column.field); });
  }
  return out;
}

void add_list_command(CLI::App& parent, Context& context, const std::string& what,
                      std::vector<Column> columns) {
  CLI::App* command = parent.add_subcommand("list", "List the " + what);
  auto options = std::make_shared<ListOptions>();
  if (what == "members") command->add_option("room", options->room, "Room")->required();
  command->add_flag("--json", options->as_json, "JSON lines, as 'parleyctl apply' takes them");
  command->callback(
      [&context, what, options, columns = std::move(columns)] { list(context, what, columns, *options); });
}

}  // namespace parley::ctl
