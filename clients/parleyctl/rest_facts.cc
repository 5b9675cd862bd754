#include <ctime>

#include "clients/parleyctl/facts.h"
#include "clients/parleyctl/listing.h"
#include "clients/parleyctl/password.h"
#include "clients/parleyctl/person.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

std::string user_path(const std::string& user) { return "/admin/users/" + part(user); }
std::string members_path(const std::string& room) { return "/rooms/" + part(room) + "/members"; }

// What a control operation means by REST, as an administrator.
class RestFacts : public Facts {
 public:
  explicit RestFacts(const Context& context) : client_(admin_client(context)) {}

  std::optional<std::uint64_t> apply(std::span<const ControlOp> ops, const Tell& told) override {
    told_ = &told;
    for (const ControlOp& op : ops) std::visit([this](const auto& one) { put(one); }, op);
    return std::nullopt;
  }

  void list(const std::string& what, const std::string& room, const Visit& visit) override {
    const std::string path = what == "members" ? members_path(room) : "/admin/" + what;
    client_->each(path, [&](json::object&& item) {
      visit(std::move(item));
      return true;
    });
  }

 private:
  RestClient::Answer ask(const std::string& of, const std::string& method, const std::string& path,
                         const RestClient::Body& body = {}) {
    auto answer = client_->ask(method, path, body);
    if (!answer.ok() && answer.code != "conflict")
      throw Failure(of + ": " + answer.message + " (" + answer.code + ")");
    return answer;
  }

  // A new account gets a password that is shown this once; one that is there keeps its own.
  void put(const UserPut& put) {
    if (put.role != TokenRole::user) {
      throw Failure(put.user +
                    ": bots and devices are made by who owns them, with an API token (see /api/v1/docs)");
    }
    if (put.tokens_after_s != 0)
      throw Failure("--tokens-after is 'parleyctl admin sessions end " + put.user + "' here");
    const std::string password = random_password();
    const json::object account{{"user", put.user}, {"password", password}};
    const auto answer = ask(put.user, "POST", "/auth/register", account);
    if (answer.ok()) (*told_)("put " + put.user + ", password " + password, account);
    const bool blocked = put.status == UserStatus::blocked;
    if (!answer.ok() || blocked || put.limits != "default") {
      const auto now = ask(put.user, "PATCH", user_path(put.user),
                           json::object{{"status", blocked ? "blocked" : "active"}, {"limits", put.limits}});
      if (!now.ok()) RestClient::fail(now);
      if (!answer.ok()) (*told_)("put " + put.user, now.body);
    }
  }
  void put(const UserRemove& remove) {
    throw Failure(remove.user + ": only they themselves delete their account; 'parleyctl admin users set " +
                  remove.user + " --status blocked' keeps them out");
  }

  void put(const RoomPut& put) {
    if (put.kind != RoomKind::channel) {
      throw Failure(put.room +
                    ": groups and direct rooms get their names from the server: 'parleyctl rooms create'");
    }
    json::object settings{{"history", to_string(put.history)},
                          {"guests", put.guests_post ? "post" : "read"},
                          {"pin", put.pin_role == MemberRole::owner    ? "owner"
                                  : put.pin_role == MemberRole::member ? "member"
                                                                       : "admin"}};
    json::object made = settings;
    made["kind"] = to_string(put.kind);
    made["room"] = put.room;
    made["access"] = "private";  // as at the broker: whoever is put into it
    auto answer = ask(put.room, "POST", "/rooms", made);
    const bool is_new = answer.ok();
    if (!is_new) {
      answer = ask(put.room, "PATCH", "/rooms/" + part(put.room), settings);
      if (!answer.ok()) RestClient::fail(answer);
    }
    if (!is_new || put.status != RoomStatus::active || put.limits != "default") {
      answer = ask(put.room, "PATCH", "/admin/rooms/" + part(put.room),
                   json::object{{"status", to_string(put.status)}, {"limits", put.limits}});
      if (!answer.ok()) RestClient::fail(answer);
    }
    (*told_)("put " + put.room, answer.body);
  }
  void put(const RoomRemove& remove) {
    const auto answer = ask(remove.room, "DELETE", "/admin/rooms/" + part(remove.room));
    if (!answer.ok()) RestClient::fail(answer);
    (*told_)("removed " + remove.room, {{"room", remove.room}});
  }

  void put(const MemberPut& put) {
    if (put.since != Seq{0})
      throw Failure("--since follows from the room's history setting here, and from when they join");
    const json::object body{{"user", put.user}, {"role", to_string(put.role)}};
    auto answer = ask(put.user, "POST", members_path(put.room), body);
    if (answer.status == 200) {
      answer = ask(put.user, "PATCH", members_path(put.room) + "/" + part(put.user),
                   json::object{{"role", body.at("role")}});
    }
    if (!answer.ok()) RestClient::fail(answer);
    (*told_)("put " + put.user + " into " + put.room, answer.body);
  }
  void put(const MemberRemove& remove) {
    const auto answer = ask(remove.user, "DELETE", members_path(remove.room) + "/" + part(remove.user));
    if (!answer.ok()) RestClient::fail(answer);
    (*told_)("removed " + remove.user + " from " + remove.room,
             {{"room", remove.room}, {"user", remove.user}});
  }

  void put(const LimitsPut& put) {
    const auto answer = ask(put.name, "PUT", "/admin/limits/" + part(put.name),
                            json::object{{"messages_per_s", put.messages_per_s},
                                         {"burst", put.burst},
                                         {"connections", put.connections},
                                         {"requests_per_s", put.requests_per_s},
                                         {"typing_per_s", put.typing_per_s},
                                         {"room_messages_per_s", put.room_messages_per_s},
                                         {"room_bot_messages_per_s", put.room_bot_messages_per_s}});
    if (!answer.ok()) RestClient::fail(answer);
    (*told_)("put limits " + put.name, answer.body);
  }

  template <class Op>
  void put(const Op&) {
    throw Failure("the REST interface has no such operation");
  }

  const std::unique_ptr<RestClient> client_;
  const Tell* told_ = nullptr;
};

}  // namespace

std::unique_ptr<Facts> make_rest_facts(const Context& context) {
  return std::make_unique<RestFacts>(context);
}

}  // namespace parley::ctl
