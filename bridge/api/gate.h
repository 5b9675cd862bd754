// Who is this? From the Authorization header to a Caller, or to the answer that ends the request.
//
// Of what is refused it is told apart what was never given out: somebody is trying. It costs the database
// nothing but for API tokens, of which looks_up() says whether it must be asked.
//
// A token's signature is checked once; whether its session and user still stand is asked of the metadata
// again when the last answer is older than kFresh, so a revoked session is refused within a second, on
// whichever bridge. Thread-safe; may block for the metadata.
#ifndef PARLEY_BRIDGE_API_GATE_H_
#define PARLEY_BRIDGE_API_GATE_H_

#include <array>
#include <boost/system/result.hpp>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bridge/api/context.h"
#include "bridge/api/keys.h"
#include "storage/metadata.h"

namespace parley::api {

class Gate {
 public:
  static constexpr std::chrono::milliseconds kFresh{800};
  static constexpr std::size_t kMaxTokens = 50'000;  // remembered; more are asked about each time

  // Both outlive it.
  Gate(Keys& keys, storage::Metadata& metadata) : keys_(keys), metadata_(metadata) {}

  struct Refusal {
    http::Response response;
    bool guess = true;  // not a token of ours; false: one that has expired or ended, or nobody can tell now
  };
  // `authorization` as in the header: "Bearer <access token or API token>".
  boost::system::result<Caller, Refusal> admit(std::string_view authorization,
                                               std::chrono::system_clock::time_point now);
  // Must an API token be looked up that this process has not seen to be good?
  bool looks_up(std::string_view authorization);
  // Whose token it is, even if it has expired or ended; nothing, where that would have to be looked up.
  std::optional<std::string> holder(std::string_view authorization);
  // Is asked about again at its next use: something about this user changed here.
  void forget(std::string_view user);

 private:
  using Steady = std::chrono::steady_clock::time_point;
  struct Known {
    Caller caller;
    std::int64_t expires_s = 0;
    std::int64_t issued_s = 0;
    std::uint64_t ring = 0;  // the keys that the signature was checked with; 0: an API token
    Steady asked{};
    bool ended = false;  // refused when last asked about
  };
  struct Hash {
    std::size_t operator()(const Sha256& digest) const;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<Sha256, Known, Hash> tokens;
  };
  using Admission = boost::system::result<Known, Refusal>;

  Admission check_signature(std::string_view token, const KeyRing& ring, std::int64_t now_s) const;
  Admission ask_session(const Known& checked) const;
  Admission ask_api_token(const Sha256& digest) const;
  void remember(Shard& shard, const Sha256& digest, const Known& known, std::int64_t now_s);
  Shard& shard(const Sha256& digest) { return shards_[digest[0] % shards_.size()]; }

  Keys& keys_;
  storage::Metadata& metadata_;
  std::array<Shard, 16> shards_;
};

}  // namespace parley::api

#endif
