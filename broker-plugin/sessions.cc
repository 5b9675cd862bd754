#include "broker-plugin/sessions.h"

#include <algorithm>
#include <charconv>

namespace parley::plugin {
namespace {

// user role device issued expires token sid: none of them but the last has spaces. What is not there is
// written as what no name of a device can be.
constexpr std::string_view kNone = "*";

std::int64_t number_of(std::string_view word) {
  std::int64_t number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

std::string_view next_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

}  // namespace

std::string to_broker_name(const Identity& who) {
  if (who.name.empty()) return {};
  std::string out(who.name);
  out.append(" ").append(to_string(who.role));
  out.append(" ").append(who.device.empty() ? kNone : std::string_view(who.device));
  out.append(" ").append(std::to_string(who.issued_s));
  out.append(" ").append(std::to_string(who.expires_s));
  out.append(" ").append(who.api_token ? to_hex(*who.api_token) : std::string(kNone));
  return out.append(" ").append(who.sid);
}

std::optional<Identity> from_broker_name(std::string_view name, Directory& directory) {
  Identity who;
  const std::string_view user = next_word(name);
  who.role = parse_token_role(next_word(name)).value_or(TokenRole::user);
  // As in its token: a service is no user whom the facts know.
  who.user = who.role == TokenRole::service ? directory.intern_user(user) : directory.find_user(user);
  if (who.user == kNoUser) return std::nullopt;
  who.name = directory.user_name(who.user);
  if (const std::string_view device = next_word(name); device != kNone) who.device = device;
  who.issued_s = number_of(next_word(name));
  who.expires_s = number_of(next_word(name));
  if (const std::string_view digest = next_word(name); digest != kNone)
    who.api_token = parse_sha256_hex(digest);
  who.sid = name;
  return who;
}

Session* Sessions::find(ClientHandle client) {
  const auto it = by_handle_.find(client);
  return it == by_handle_.end() ? nullptr : it->second.get();
}

Session& Sessions::open(ClientHandle client, std::string client_id, Identity who) {
  close(client);
  auto session = std::make_unique<Session>();
  session->client = client;
  session->generation = next_generation_++;
  session->client_id = std::move(client_id);
  session->who = std::move(who);
  Session& opened = *session;
  by_handle_.emplace(client, std::move(session));
  auto [it, fresh] = by_client_id_.try_emplace(opened.client_id, &opened);
  if (!fresh) {
    it->second->replaced = true;
    it->second = &opened;
  }
  if (opened.who.user != kNoUser) by_user_[raw(opened.who.user)].push_back(&opened);
  return opened;
}

std::unique_ptr<Session> Sessions::close(ClientHandle client) {
  const auto it = by_handle_.find(client);
  if (it == by_handle_.end()) return nullptr;
  std::unique_ptr<Session> session = std::move(it->second);
  by_handle_.erase(it);
  const auto id = by_client_id_.find(session->client_id);
  if (id != by_client_id_.end() && id->second == session.get()) by_client_id_.erase(id);
  if (const auto user = by_user_.find(raw(session->who.user)); user != by_user_.end()) {
    std::erase(user->second, session.get());
    if (user->second.empty()) by_user_.erase(user);
  }
  return session;
}

std::size_t Sessions::connections(UserIndex user, std::string_view except) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      of_user(user), [&](const Session* s) { return !s->replaced && !s->kicked && s->client_id != except; }));
}

std::size_t Sessions::lasting_connections(UserIndex user, std::string_view except) const {
  return static_cast<std::size_t>(std::ranges::count_if(of_user(user), [&](const Session* s) {
    return !s->replaced && !s->kicked && !s->gives_way && s->client_id != except;
  }));
}

Session* Sessions::longest_silent(UserIndex user, const Session& except) const {
  Session* silent = nullptr;
  for (Session* session : of_user(user)) {
    if (session == &except || session->replaced || session->kicked || !session->gives_way) continue;
    if (silent == nullptr || session->heard_ns < silent->heard_ns) silent = session;
  }
  return silent;
}

const std::vector<Session*>& Sessions::of_user(UserIndex user) const {
  static const std::vector<Session*> kNone;
  const auto it = by_user_.find(raw(user));
  return it == by_user_.end() ? kNone : it->second;
}

Session* Sessions::by_client_id(std::string_view client_id) {
  const auto it = by_client_id_.find(std::string(client_id));
  return it == by_client_id_.end() ? nullptr : it->second;
}

const Sessions::Owner* Sessions::owner_of_kept(std::string_view client_id) const {
  const auto it = owners_.find(std::string(client_id));
  return it == owners_.end() ? nullptr : &it->second;
}

}  // namespace parley::plugin
