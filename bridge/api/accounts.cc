#include "bridge/api/accounts.h"

#include <boost/json/array.hpp>
#include <utility>

#include "storage/metadata.h"

namespace parley::api {

namespace json = boost::json;

Accounts::Accounts(const BridgeConfig& config, storage::Metadata& metadata, bridge::Metrics& metrics)
    : keys(config.auth.keys_dir),
      passwords(config.auth.argon2_ops, config.auth.argon2_mem_bytes, metrics),
      gate(keys, metadata),
      providers(config) {}

json::object sessions_object(const std::vector<storage::Session>& sessions, std::string_view current) {
  json::array items;
  for (const storage::Session& session : sessions) {
    json::object item;
    item["sid"] = session.sid;
    item["device"] = session.device;
    if (!session.agent.empty()) item["agent"] = session.agent;
    if (!session.address.empty()) item["address"] = session.address;
    item["created_at"] = session.created_ms;
    item["last_used_at"] = session.used_ms;
    item["expires_at"] = session.expires_ms;
    if (session.sid == current) item["current"] = true;
    items.emplace_back(std::move(item));
  }
  return {{"items", std::move(items)}};
}

http::Response what_ended(const storage::Ended& ended, bool asked) {
  if (!asked && ended.tokens_left == 0) return http::no_content();
  return http::json(json::object{{"sessions_ended", ended.sessions},
                                 {"tokens_ended", ended.tokens},
                                 {"tokens_left", ended.tokens_left}});
}

void forget_all_of(Context& context, const std::string& user, bool bots) {
  context.accounts.gate.forget(user);
  if (!bots) return;
  const auto owned = context.metadata.users().bots_of(user);
  if (!owned) return;  // their tokens are asked about again within a second
  for (const storage::User& bot : *owned) context.accounts.gate.forget(bot.name);
}

}  // namespace parley::api
