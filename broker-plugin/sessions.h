// Who is connected to this broker. One thread (the broker's).
//
// A session is one connection that passed authentication. It is found by the broker's handle, which is reused
// for other connections, so a handle alone proves nothing once the connection is over: keep (handle,
// generation).
#ifndef PARLEY_BROKER_PLUGIN_SESSIONS_H_
#define PARLEY_BROKER_PLUGIN_SESSIONS_H_

#include <algorithm>
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "broker-plugin/broker_port.h"
#include "broker-plugin/facts.h"

namespace parley::plugin {

// Who somebody proved to be.
struct Identity {
  UserIndex user = kNoUser;  // kNoUser: anonymous, or the plugin's own connection
  std::string_view name;     // stable (Directory); empty when anonymous
  std::string device;
  std::string sid;  // of the access token; empty for API tokens
  TokenRole role = TokenRole::user;
  std::int64_t issued_s = 0;        // iat
  std::int64_t expires_s = 0;       // exp; 0: never
  std::optional<Sha256> api_token;  // set when one was used
  bool anonymous = false;
  bool internal = false;  // the plugin's own loopback connection
};

// Who it is in one line, which the broker keeps as the client's user name for as long as it remembers the
// client: over the end of a connection and a restart. What the name does not tell is left at its default.
std::string to_broker_name(const Identity& who);
// Nothing when no such user was ever known. Services are always known: their token alone says who they are.
std::optional<Identity> from_broker_name(std::string_view name, Directory& directory);

// A pass-through pattern with %u and %d filled in for one session.
struct OpenedPattern {
  std::string filter;
  bool read = false;
  bool write = false;
};

struct Session {
  ClientHandle client = nullptr;
  std::uint64_t generation = 0;
  std::string client_id;
  Identity who;
  bool replaced = false;             // another connection has taken the client id over
  bool kicked = false;               // on the list to be closed
  bool gives_way = false;            // without a keep-alive that would end it soon after its client died
  std::uint64_t heard_ns = 0;        // when it last sent something; kept of those that give way alone
  std::array<bool, 3> everywhere{};  // a service's wildcard over all rooms, by format
  std::vector<OpenedPattern> patterns;
  // When this session last sent typing in a room: enough for the rooms one person types in at a time.
  struct Typed {
    RoomIndex room = kNoRoom;
    std::uint64_t at_ns = 0;
  };
  std::vector<Typed> typed;
};

// The logins that were ended last: sessions by their sid, API tokens by their digest in hex. The facts forget
// one when its last token has expired, but a will may be delayed for longer than that.
class EndedLogins {
 public:
  void add(std::string_view login) {
    if (!logins_.emplace(login).second) return;
    order_.emplace_back(login);
    if (order_.size() <= kRemembered) return;
    logins_.erase(order_.front());
    order_.pop_front();
  }
  bool contains(const Identity& who) const {
    return who.api_token ? logins_.contains(to_hex(*who.api_token))
                         : !who.sid.empty() && logins_.contains(who.sid);
  }

 private:
  static constexpr std::size_t kRemembered = 10'000;
  boost::unordered_flat_set<std::string> logins_;
  std::deque<std::string> order_;  // oldest first
};

// Who had to make room for others last (Sessions::longest_silent). One that comes back at once displaces
// nobody in turn: otherwise as many programs as one too many would throw each other out for ever.
class Displaced {
 public:
  void add(std::string_view client_id, std::int64_t now_s) {
    if (by_id_.size() >= kRemembered) forget_before(now_s);
    if (by_id_.size() < kRemembered) by_id_[std::string(client_id)] = now_s;
  }
  // Whether it was displaced, or asked this, in the last two minutes.
  bool comes_back(std::string_view client_id, std::int64_t now_s) {
    if (by_id_.empty()) return false;
    const auto it = by_id_.find(std::string(client_id));
    if (it == by_id_.end()) return false;
    if (now_s - it->second > kRestS || now_s < it->second) {
      by_id_.erase(it);
      return false;
    }
    it->second = now_s;
    return true;
  }

 private:
  static constexpr std::size_t kRemembered = 10'000;
  static constexpr std::int64_t kRestS = 120;  // MQTT clients try again after at most that

  void forget_before(std::int64_t now_s) {
    boost::unordered::erase_if(by_id_, [&](const auto& entry) { return now_s - entry.second > kRestS; });
  }

  boost::unordered_flat_map<std::string, std::int64_t> by_id_;  // when
};

class Sessions {
 public:
  // The session for a handle, or nullptr.
  Session* find(ClientHandle client);
  // Opens one; an older session with the same client id is marked as replaced (the broker takes it over), one
  // with the same handle is closed. Returns a reference valid until close().
  Session& open(ClientHandle client, std::string client_id, Identity who);
  // Closes and returns what it was; nothing for a handle that has no session (a failed login).
  std::unique_ptr<Session> close(ClientHandle client);

  // Connections of a user, replaced ones not counted; `except` is the client id about to be taken over. Or of
  // them those that do not give way.
  std::size_t connections(UserIndex user, std::string_view except) const;
  std::size_t lasting_connections(UserIndex user, std::string_view except) const;
  const std::vector<Session*>& of_user(UserIndex user) const;
  Session* by_client_id(std::string_view client_id);

  // Of the user's connections that give way the one that was silent longest, but `except`; nullptr: none.
  Session* longest_silent(UserIndex user, const Session& except) const;

  // A client id that is not of the form user:device belongs to whom it belonged last, for as long as the
  // broker keeps a session for it. Which ids those are the broker knows: who asks it tells us, so that what
  // is kept here is no more than what the broker keeps.
  struct Owner {
    UserIndex user = kNoUser;
    std::int64_t asked_s = 0;  // when the broker last said that it keeps the session
  };
  const Owner* owner_of_kept(std::string_view client_id) const;
  void keep_owner(std::string_view client_id, Owner owner) { owners_[std::string(client_id)] = owner; }
  void forget_owner(std::string_view client_id) { owners_.erase(std::string(client_id)); }
  // Forgets those whose session the broker does not keep any more. Call it often: it does something only when
  // there are twice as many as were left the last time.
  template <class Kept>
  void sweep_owners(Kept&& kept) {
    if (owners_.size() < sweep_at_) return;
    boost::unordered::erase_if(owners_, [&](const auto& entry) { return !kept(entry.first); });
    sweep_at_ = std::max(kSweepAt, owners_.size() * 2);
  }

  std::size_t size() const { return by_handle_.size(); }
  template <class Visit>
  void for_each(Visit&& visit) {
    for (auto& [handle, session] : by_handle_) visit(*session);
  }

 private:
  static constexpr std::size_t kSweepAt = 1000;

  boost::unordered_flat_map<ClientHandle, std::unique_ptr<Session>> by_handle_;
  boost::unordered_flat_map<std::string, Session*> by_client_id_;
  boost::unordered_flat_map<std::uint32_t, std::vector<Session*>> by_user_;
  boost::unordered_flat_map<std::string, Owner> owners_;
  std::size_t sweep_at_ = kSweepAt;
  std::uint64_t next_generation_ = 1;
};

}  // namespace parley::plugin

#endif
