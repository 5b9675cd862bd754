#include "bridge/control/change_batch.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace parley::bridge {
namespace {

namespace json = boost::json;

bool mentions_posts(std::string_view ops_json) {
  return ops_json.find("event.post") != std::string_view::npos;
}

bool is_post(const json::value& op) {
  const json::object* object = op.if_object();
  const json::value* name = object == nullptr ? nullptr : object->if_contains("op");
  return name != nullptr && name->is_string() && name->get_string() == "event.post";
}

// Text that is no array is left as it is: the node refuses it with a message that says where.
json::array parse_ops(std::string_view ops_json) {
  json::error_code error;
  json::value value = json::parse(ops_json, error);
  return error || !value.is_array() ? json::array() : std::move(value.get_array());
}

std::string_view inside(std::string_view ops_json) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t open = ops_json.find('[');
  const std::size_t close = ops_json.rfind(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return ops_json;
  std::string_view text = ops_json.substr(open + 1, close - open - 1);
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

void append(std::string_view more, std::string& ops) {
  if (more.empty()) return;
  if (!ops.empty()) ops += ',';
  ops += more;
}

}  // namespace

Batch take_batch(std::span<const storage::ChangeRow> rows, Posts posts) {
  Batch batch;
  for (const storage::ChangeRow& row : rows) {
    std::string cut;
    std::string_view ops = inside(row.ops_json);
    if (posts == Posts::drop && mentions_posts(row.ops_json)) {
      cut = without_posts(row.ops_json);
      ops = cut;
    }
    if (batch.rows > 0 && batch.ops.size() + ops.size() > kBatchBytes) break;
    append(ops, batch.ops);
    batch.to = {row.version, row.mark};
    ++batch.rows;
  }
  return batch;
}

std::vector<std::string> posts_of(std::string_view ops_json) {
  std::vector<std::string> requests;
  if (!mentions_posts(ops_json)) return requests;
  for (const json::value& op : parse_ops(ops_json)) {
    if (!is_post(op)) continue;
    const std::string text = json::serialize(op);
    if (requests.empty() || requests.back().size() + text.size() > kBatchBytes) requests.emplace_back();
    append(text, requests.back());
  }
  return requests;
}

std::string without_posts(std::string_view ops_json) {
  std::string ops;
  for (const json::value& op : parse_ops(ops_json))
    if (!is_post(op)) append(json::serialize(op), ops);
  return ops;
}

}  // namespace parley::bridge
