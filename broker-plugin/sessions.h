// Who is connected to this broker. One thread (the broker's).
//
// A session is one connection that passed authentication. It is found by the broker's handle, which is reused
// for other connections, so a handle alone proves nothing once the connection is over: keep (handle,
// generation).
#ifndef PARLEY_BROKER_PLUGIN_SESSIONS_H_
#define PARLEY_BROKER_PLUGIN_SESSIONS_H_

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
// Nothing when no such user was ever known.
std::optional<Identity> from_broker_name(std::string_view name, const Directory& directory);

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
  bool v5 = false;
  bool replaced = false;             // another connection has taken the client id over
  bool kicked = false;               // on the list to be closed
  std::array<bool, 3> everywhere{};  // a service's wildcard over all rooms, by format
  std::vector<OpenedPattern> patterns;
  // When this session last sent typing in a room: enough for the rooms one person types in at a time.
  struct Typed {
    RoomIndex room = kNoRoom;
    std::uint64_t at_ns = 0;
  };
  std::vector<Typed> typed;
};

// The logins that ended last. The facts forget one when its last token has, but a will may be delayed for
// longer than that.
class EndedLogins {
 public:
  void add(std::string_view sid) {
    if (!sids_.emplace(sid).second) return;
    order_.emplace_back(sid);
    if (order_.size() <= kRemembered) return;
    sids_.erase(order_.front());
    order_.pop_front();
  }
  bool contains(std::string_view sid) const { return !sid.empty() && sids_.contains(std::string(sid)); }

 private:
  static constexpr std::size_t kRemembered = 10'000;
  boost::unordered_flat_set<std::string> sids_;
  std::deque<std::string> order_;  // oldest first
};

class Sessions {
 public:
  // The session for a handle, or nullptr.
  Session* find(ClientHandle client);
  // Opens one; an older session with the same client id is marked as replaced (the broker takes it over), one
  // with the same handle is closed. Returns a reference valid until close().
  Session& open(ClientHandle client, std::string client_id, Identity who, bool v5);
  // Closes and returns what it was; nothing for a handle that has no session (a failed login).
  std::unique_ptr<Session> close(ClientHandle client, bool keeps_broker_session);

  // Connections of a user, replaced ones not counted; `except` is the client id about to be taken over.
  std::size_t connections(UserIndex user, std::string_view except) const;
  const std::vector<Session*>& of_user(UserIndex user) const;
  Session* by_client_id(std::string_view client_id);

  // A client id that is not of the form user:device belongs to who connected with it first, for as long as
  // the broker may hold a session for it. kNoUser when nobody has it.
  UserIndex owner_of(std::string_view client_id) const;

  std::size_t size() const { return by_handle_.size(); }
  template <class Visit>
  void for_each(Visit&& visit) {
    for (auto& [handle, session] : by_handle_) visit(*session);
  }

 private:
  void remember_owner(const Session& session);

  boost::unordered_flat_map<ClientHandle, std::unique_ptr<Session>> by_handle_;
  boost::unordered_flat_map<std::string, Session*> by_client_id_;
  boost::unordered_flat_map<std::uint32_t, std::vector<Session*>> by_user_;
  // Owners of ids whose connection is gone but whose broker session may not be: the latest of each user.
  static constexpr std::size_t kOwnedIds = 32;
  boost::unordered_flat_map<std::string, UserIndex> owners_;
  boost::unordered_flat_map<std::uint32_t, std::deque<std::string>> owned_;  // oldest first
  std::uint64_t next_generation_ = 1;
};

}  // namespace parley::plugin

#endif
