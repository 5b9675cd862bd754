#include "bridge/api/gate.h"

#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "bridge/api/refusals.h"
#include "schemas/token_text.h"

namespace parley::api {
namespace {

constexpr std::string_view kHow = "send Authorization: Bearer and an access token from /api/v1/auth/login";

Gate::Refusal refusal_of(TokenError error) {
  if (error == TokenError::expired) {
    return {http::unauthorized("the access token has expired; get a new one from /api/v1/auth/refresh"),
            false};
  }
  return {http::unauthorized("the access token is not valid (" + std::string(to_string(error)) + "); " +
                             std::string(kHow)),
          true};
}

Gate::Refusal session_ended() {
  return {http::unauthorized("this session has ended; sign in again at /api/v1/auth/login"), false};
}

// RFC 9110, section 11.1: the scheme's case does not matter.
std::optional<std::string_view> bearer_token(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != kScheme[i]) return std::nullopt;
  }
  header = trim_token(header.substr(kScheme.size()));
  return header.empty() ? std::nullopt : std::optional(header);
}

// Does storage say that there is no such thing, rather than that it cannot tell?
bool is_gone(const storage::MetadataFault& fault) {
  using storage::MetadataError;
  return fault.code == MetadataError::not_found || fault.code == MetadataError::unauthorized ||
         fault.code == MetadataError::forbidden;
}

std::string limited_as(const storage::User& user) {
  return user.owner.empty() || user.limits != "default" ? user.name : user.owner;
}

}  // namespace

std::size_t Gate::Hash::operator()(const Sha256& digest) const {
  std::size_t out = 0;
  std::memcpy(&out, digest.data() + 8, sizeof out);
  return out;
}

boost::system::result<Caller, Gate::Refusal> Gate::admit(std::string_view authorization,
                                                         std::chrono::system_clock::time_point now) {
  const auto token = bearer_token(authorization);
  if (!token) return Refusal{http::unauthorized(std::string(kHow)), true};
  const std::int64_t now_s = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const Sha256 digest = sha256(*token);
  const std::shared_ptr<const KeyRing> ring = keys_.current();
  const bool api_token = is_api_token(*token);

  Shard& mine = shard(digest);
  std::optional<Known> known;
  {
    const std::lock_guard lock(mine.mutex);
    const auto found = mine.tokens.find(digest);
    if (found != mine.tokens.end()) {
      // Signed by a key that may have been taken away since: checked as if it were new.
      const bool in_force = (api_token || found->second.ring == ring->number);
      if (in_force) known = found->second;
      if (!in_force) mine.tokens.erase(found);
    }
  }
  if (known && known->expires_s != 0 && known->expires_s <= now_s) return refusal_of(TokenError::expired);
  const Steady steady = std::chrono::steady_clock::now();
  if (known && steady - known->asked < kFresh) {
    if (known->ended) return session_ended();
    return known->caller;
  }

  Admission admitted = [&]() -> Admission {
    if (api_token) return ask_api_token(digest);
    if (!known) {
      Admission checked = check_signature(*token, *ring, now_s);
      if (!checked) return checked;
      known = *std::move(checked);
    }
    return ask_session(*known);
  }();
  if (!admitted) {
    // A session's end is remembered for as long as its being good: asking again costs the database no more.
    const bool ended = !api_token && known && admitted.error().response.status == 401;
    if (ended) {
      known->ended = true;
      known->asked = steady;
      remember(mine, digest, *known, now_s);
    } else {
      const std::lock_guard lock(mine.mutex);
      mine.tokens.erase(digest);
    }
    return admitted.error();
  }
  admitted->asked = steady;
  remember(mine, digest, *admitted, now_s);
  return admitted->caller;
}

Gate::Admission Gate::check_signature(std::string_view token, const KeyRing& ring, std::int64_t now_s) const {
  const auto claims = ring.verifier.verify(token, now_s);
  if (!claims) return refusal_of(claims.error());
  Known known;
  known.caller = {.user = claims->sub,
                  .device = claims->dev,
                  .session = claims->sid,
                  .role = claims->role,
                  .admin = false,
                  .token = {},
                  .scopes = Scopes::of(claims->role)};
  known.expires_s = claims->exp;
  known.issued_s = claims->iat;
  known.ring = ring.number;
  return known;
}

bool Gate::looks_up(std::string_view authorization) {
  const auto token = bearer_token(authorization);
  if (!token || !is_api_token(*token)) return false;
  const Sha256 digest = sha256(*token);
  Shard& mine = shard(digest);
  const std::lock_guard lock(mine.mutex);
  return !mine.tokens.contains(digest);
}

std::optional<std::string> Gate::holder(std::string_view authorization) {
  const auto token = bearer_token(authorization);
  if (!token) return std::nullopt;
  if (is_api_token(*token)) {
    const Sha256 digest = sha256(*token);
    Shard& mine = shard(digest);
    const std::lock_guard lock(mine.mutex);
    const auto found = mine.tokens.find(digest);
    return found == mine.tokens.end() ? std::nullopt : std::optional(found->second.caller.user);
  }
  // Whenever it was, or will be.
  constexpr std::int64_t kAnyTime = std::numeric_limits<std::int64_t>::max() / 2;
  const auto claims = keys_.current()->verifier.verify(*token, 0, kAnyTime);
  return claims ? std::optional(claims->sub) : std::nullopt;
}

Gate::Admission Gate::ask_session(const Known& checked) const {
  Known known = checked;
  known.ended = false;
  // A service has no account and no session: whoever holds the signing key is the server.
  if (known.caller.role == TokenRole::service) {
    known.caller.admin = true;
    known.caller.limited_as = known.caller.user;
    return known;
  }
  const auto found = metadata_.sessions().get(known.caller.session);
  if (!found) return is_gone(found.error()) ? session_ended() : Refusal{refused(found.error()), false};
  const storage::User& user = found->user;
  const bool stands = found->session.user == known.caller.user && user.name == known.caller.user &&
                      user.status == storage::AccountStatus::active && known.issued_s >= user.tokens_after_s;
  if (!stands) return session_ended();
  known.caller.admin = user.admin;
  known.caller.limited_as = limited_as(user);
  return known;
}

Gate::Admission Gate::ask_api_token(const Sha256& digest) const {
  const auto found = metadata_.api_tokens().by_hash(digest);
  if (!found) {
    if (is_gone(found.error()))
      return Refusal{http::unauthorized("there is no such API token, or no longer"), true};
    return Refusal{refused(found.error()), false};
  }
  if (found->user.status != storage::AccountStatus::active) return session_ended();
  Known known;
  const bool admin = found->user.admin && found->token.role != TokenRole::device;
  known.caller = {.user = found->token.user,
                  .device = found->token.device,
                  .session = {},
                  .role = found->token.role,
                  .admin = admin,
                  .token = found->token.id,
                  .scopes = Scopes::parse(found->token.scopes),
                  .limited_as = limited_as(found->user)};
  known.expires_s = found->token.until_s;
  return known;
}

void Gate::remember(Shard& mine, const Sha256& digest, const Known& known, std::int64_t now_s) {
  const std::lock_guard lock(mine.mutex);
  if (mine.tokens.size() >= kMaxTokens / shards_.size()) {
    const Steady stale = known.asked - std::chrono::minutes(1);
    std::erase_if(mine.tokens, [&](const auto& entry) {
      return entry.second.asked < stale || (entry.second.expires_s != 0 && entry.second.expires_s <= now_s);
    });
    if (mine.tokens.size() >= kMaxTokens / shards_.size()) mine.tokens.clear();
  }
  mine.tokens.insert_or_assign(digest, known);
}

void Gate::forget(std::string_view user) {
  for (Shard& each : shards_) {
    const std::lock_guard lock(each.mutex);
    for (auto& [digest, known] : each.tokens) {
      if (known.caller.user == user) known.asked = {};
    }
  }
}

}  // namespace parley::api
