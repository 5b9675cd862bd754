#include "clients/parleyctl/control_client.h"
#include "clients/parleyctl/facts.h"
#include "clients/parleyctl/person.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kPage = 500;

class BrokerFacts : public Facts {
 public:
  explicit BrokerFacts(const Context& context) : context_(context) {}

  std::optional<std::uint64_t> apply(std::span<const ControlOp> ops, const Tell&) override {
    return connect_control(context_)->apply(ops);
  }

  void list(const std::string& what, const std::string& room, const Visit& visit) override {
    json::object fields{{"what", what}, {"limit", kPage}};
    if (what == "members") fields["room"] = room;
    auto control = connect_control(context_);
    while (true) {
      json::object page = control->call("list", fields);
      if (json::value* items = page.if_contains("items"); items != nullptr && items->is_array()) {
        for (json::value& item : items->as_array()) {
          if (item.is_object()) visit(std::move(item.as_object()));
        }
      }
      const json::value* next = page.if_contains("next");
      if (next == nullptr || !next->is_string() || next->as_string().empty()) break;
      if (const json::value* after = fields.if_contains("after"); after != nullptr && *after == *next) {
        throw Failure("the broker answered the same page twice; the list above is incomplete");
      }
      fields["after"] = *next;
    }
  }

 private:
  const Context& context_;
};

}  // namespace

std::unique_ptr<Facts> make_facts(const Context& context) {
  if (has_bridge(context)) return make_rest_facts(context);
  return std::make_unique<BrokerFacts>(context);
}

void need_no_bridge(const Context& context, const std::string& instead) {
  if (has_bridge(context)) {
    throw Failure(
        "users, rooms and members of this server are kept in PostgreSQL, and the broker's are a copy: " +
        instead);
  }
}

}  // namespace parley::ctl
