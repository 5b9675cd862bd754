#include "tests/control/plane.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <stdexcept>
#include <thread>

namespace parley::test {
namespace {

using storage::Actor;

template <class Result>
auto check(Result&& result, std::string_view what) {
  if (!result)
    throw std::runtime_error(std::string(what) + ": " + std::string(to_string(result.error().code)) + " " +
                             result.error().message);
  if constexpr (!std::is_void_v<typename std::decay_t<Result>::value_type>) return std::move(*result);
}

// What only reads may be asked again: a test that has just ended Postgres and started it is not told so at
// once.
template <class Read>
auto check_read(Read&& read, std::string_view what) {
  const Deadline deadline = std::chrono::seconds(30);
  auto result = read();
  while (!result && result.error().code == storage::MetadataError::unavailable && !deadline.passed()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    result = read();
  }
  return check(std::move(result), what);
}

Actor actor(std::string_view user, bool admin = false) {
  Actor who;
  who.user = user;
  who.admin = admin;
  return who;
}

storage::PostgresOptions options_for(const std::string& url) {
  storage::PostgresOptions options;
  options.url = url;
  return options;
}

BridgeOptions complete(BridgeOptions options, const Ledger& ledger, const Broker& broker) {
  options.database = ledger.url();
  if (options.brokers.empty()) options.brokers = {&broker};
  return options;
}

void list(Admin& admin, const std::string& what, const std::string& room, std::vector<std::string>& facts) {
  std::string after;
  do {
    ControlRequest request;
    request.cmd = "list";
    request.what = what;
    request.room = room;
    request.after = after;
    request.limit = 1000;
    const json::object answer = admin.command(request);
    if (!answer.contains("items")) return;  // a snapshot has come between, and the room is gone
    for (const json::value& item : answer.at("items").as_array()) facts.push_back(json::serialize(item));
    after = text(answer, "next");
  } while (!after.empty());
}

}  // namespace

Ledger::Ledger(std::string url) : url_(std::move(url)) {
  check(storage::migrate_postgres(options_for(url_)), "migrating");
  metadata_ = check(storage::open_postgres(options_for(url_)), "opening");
}

void Ledger::add_user(std::string_view user, bool admin) {
  storage::NewUser made;
  made.name = user;
  made.admin = admin;
  made.limits = "unlimited";
  check(metadata_->users().create(actor("root", true), made), "adding a user");
}
void Ledger::block_user(std::string_view admin, std::string_view user) {
  storage::AdminUserPatch patch;
  patch.status = storage::AccountStatus::blocked;
  check(metadata_->users().administer(actor(admin, true), user, patch), "blocking a user");
}
void Ledger::block(std::string_view user, std::string_view other) {
  check(metadata_->people().block(actor(user), other), "blocking somebody");
}
void Ledger::add_room(std::string_view owner, std::string_view room, RoomHistory history) {
  storage::NewRoom made;
  made.room = room;
  made.name = room;
  made.history = history;
  made.access = RoomAccess::open;
  made.limits = "unlimited";
  check(metadata_->rooms().create(actor(owner, true), made), "adding a room");
}
std::string Ledger::add_direct(std::string_view user, std::string_view other) {
  storage::NewRoom made;
  made.kind = RoomKind::direct;
  made.members = {std::string(other)};
  return check(metadata_->rooms().create(actor(user), made), "adding a direct room").value.room.room;
}
void Ledger::remove_room(std::string_view owner, std::string_view room) {
  check(metadata_->rooms().remove(actor(owner), room), "removing a room");
}
void Ledger::rename_room(std::string_view owner, std::string_view room, std::string_view name) {
  storage::RoomPatch patch;
  patch.name = name;
  check(metadata_->rooms().update(actor(owner), room, patch), "renaming a room");
}
void Ledger::add_member(std::string_view by, std::string_view room, std::string_view user, Seq tail) {
  storage::NewMember member;
  member.user = user;
  member.tail = tail;
  check(metadata_->members().add(actor(by), room, member), "adding a member");
}
void Ledger::remove_member(std::string_view by, std::string_view room, std::string_view user) {
  check(metadata_->members().remove(actor(by), room, user), "removing a member");
}
void Ledger::join(std::string_view user, std::string_view room) {
  check(metadata_->members().join(actor(user), room, {}), "joining");
}
void Ledger::leave(std::string_view user, std::string_view room) {
  check(metadata_->members().leave(actor(user), room), "leaving");
}
void Ledger::set_role(std::string_view by, std::string_view room, std::string_view user, MemberRole role) {
  check(metadata_->members().set_role(actor(by), room, user, role), "setting a role");
}
void Ledger::revoke_session(std::string_view user, std::string_view sid) {
  storage::NewSession session;
  session.sid = sid;
  session.user = user;
  session.device = "phone";
  session.refresh = sha256(sid);
  session.expires_ms = 4'102'444'800'000;
  check(metadata_->sessions().create(actor(user), session), "making a session");
  check(metadata_->sessions().revoke(actor(user), user, sid), "revoking a session");
}
std::uint64_t Ledger::head() {
  return check_read([&] { return metadata_->feed().head(); }, "asking for the head");
}

std::vector<std::string> Ledger::facts() {
  std::vector<std::string> facts;
  const auto read = [&] {
    facts.clear();
    return metadata_->feed().snapshot([&](std::vector<ControlOp>&& ops) {
      for (const ControlOp& op : ops) facts.push_back(to_json(op));
      return true;
    });
  };
  check_read(read, "reading all facts");
  std::ranges::sort(facts);
  return facts;
}

std::vector<EventPost> Ledger::posts() {
  std::vector<EventPost> posts;
  const std::uint64_t last = head();
  for (std::uint64_t after = 0; after < last;) {
    const auto read = [&] { return metadata_->feed().changes_after(after, 1000); };
    for (const storage::ChangeRow& row : check_read(read, "reading changes")) {
      after = row.version;
      const json::value ops = json::parse(row.ops_json);
      for (const json::value& op : ops.as_array())
        if (const auto parsed = parse_control_op(json::serialize(op)))
          if (const auto* post = std::get_if<EventPost>(&*parsed)) posts.push_back(*post);
    }
  }
  return posts;
}

std::vector<std::string> facts_of(Admin& admin) {
  std::vector<std::string> facts;
  list(admin, "users", "", facts);
  std::vector<std::string> rooms;
  list(admin, "rooms", "", rooms);
  for (const std::string& room : rooms) list(admin, "members", text(parse_object(room), "room"), facts);
  facts.insert(facts.end(), rooms.begin(), rooms.end());
  std::ranges::sort(facts);
  return facts;
}

std::vector<std::string> listable(const std::vector<std::string>& facts) {
  std::vector<std::string> some;
  std::ranges::copy_if(facts, std::back_inserter(some), [](const std::string& fact) {
    return std::ranges::any_of(std::array{"user.put", "room.put", "member.put"}, [&](std::string_view op) {
      return fact.starts_with(R"({"op":")" + std::string(op));
    });
  });
  return some;
}

void wait_for_version(Admin& admin, std::uint64_t version, Deadline deadline) {
  while (admin.version() < version) {
    if (deadline.passed())
      throw std::runtime_error("the node stays at version " + std::to_string(admin.version()) + ", wanted " +
                               std::to_string(version));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Plane::Plane(BridgeOptions options) : bridge(complete(std::move(options), ledger, broker)) {
  ledger.add_user("root", true);
  for (const char* user : {"alice", "bob", "carol"}) ledger.add_user(user);
  ledger.add_room("alice", "general");
  ledger.add_member("alice", "general", "bob");
  settle();
}

ConnectOptions Plane::as(std::string_view user, std::string_view device) const {
  ConnectOptions options;
  options.client_id = std::string(user) + ":" + std::string(device);
  options.password = broker.token(user, {.device = std::string(device)});
  return options;
}
RawClient Plane::connect(std::string_view user, std::string_view device) const {
  return RawClient::connected(broker.port(), as(user, device));
}
RawClient Plane::listener(std::string_view user, std::string_view device) const {
  RawClient client = connect(user, device);
  client.subscribe("users/" + std::string(user) + "/events");
  return client;
}
RawClient Plane::reader(std::string_view user, std::string_view room, std::string_view device) const {
  RawClient client = connect(user, device);
  client.subscribe("rooms/" + std::string(room) + "/messages/json");
  return client;
}

}  // namespace parley::test
