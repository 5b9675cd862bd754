#include "bridge/control/snapshot.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "bridge/log.h"
#include "schemas/base64url.h"

namespace parley::bridge {
namespace {

using storage::ChangeRow;
using storage::MetadataError;
using storage::MetadataFault;

// Well below a millisecond of the node's thread, so that a chat beside it does not feel it.
constexpr std::size_t kChunkFacts = 250;
// On their way at once: enough for the node to have work while the next ones are read from Postgres.
constexpr std::size_t kChunksUnderWay = 8;
constexpr std::uint32_t kEventRows = 1000;
constexpr std::chrono::seconds kCommitPatience{60};

BrokerError from_postgres(const MetadataFault& fault) {
  return {"unavailable", "postgres: " + fault.message};
}

}  // namespace

boost::system::result<storage::FeedPosition, BrokerError> Snapshot::send() {
  const BrokerAnswer begun = talk_.ask("snapshot.begin", "");
  if (!begun) return begun.error();
  const std::uint64_t number = answered_number(*begun, "snapshot");
  const auto to = send_facts(number);
  if (!to) return to.error();
  if (posts_ == Posts::keep)
    if (const auto posted = post_kept_events(to->version); !posted) return posted.error();
  const BrokerAnswer committed =
      talk_.ask("snapshot.commit",
                R"("to":)" + std::to_string(to->version) + R"(,"mark":)" + std::to_string(to->mark) +
                    R"(,"snapshot":)" + std::to_string(number),
                kCommitPatience);
  if (!committed) return committed.error();
  return *to;
}

boost::system::result<storage::FeedPosition, BrokerError> Snapshot::send_facts(std::uint64_t number) {
  std::optional<BrokerError> failed;
  std::deque<NodeTalk::Begun> under_way;
  const auto wait_for_all_but = [&](std::size_t some) {
    for (; under_way.size() > some; under_way.pop_front())
      if (const BrokerAnswer taken = talk_.wait(under_way.front()); !taken && !failed) failed = taken.error();
  };
  const auto position = feed_.snapshot([&](std::vector<ControlOp>&& facts) {
    for (std::size_t at = 0; at < facts.size() && !failed; at += kChunkFacts) {
      const auto chunk = std::span(facts).subspan(at, std::min(kChunkFacts, facts.size() - at));
      wait_for_all_but(kChunksUnderWay - 1);
      under_way.push_back(send_chunk(chunk, number));
      facts_ += chunk.size();
    }
    return !failed.has_value();
  });
  wait_for_all_but(0);
  if (failed) return *failed;
  if (!position) return from_postgres(position.error());
  return *position;
}

NodeTalk::Begun Snapshot::send_chunk(std::span<const ControlOp> facts, std::uint64_t number) const {
  const auto bytes = control_ops_to_flatbuffer({facts.begin(), facts.end()});
  return talk_.begin("snapshot.chunk",
                     R"("snapshot":)" + std::to_string(number) + R"(,"ops_fb":")" +
                         encode_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) + '"');
}

boost::system::result<void, BrokerError> Snapshot::post_kept_events(std::uint64_t upto) {
  const auto oldest = oldest_kept(upto);
  if (!oldest) return oldest.error();
  std::string ops;
  for (std::uint64_t after = *oldest; after < upto;) {
    const auto rows = feed_.changes_after(after, kEventRows);
    // Trimmed meanwhile: the oldest that are left will do.
    if (!rows && rows.error().code == MetadataError::too_old) {
      const auto now_oldest = oldest_kept(upto);
      if (!now_oldest) return now_oldest.error();
      after = std::max(after + 1, *now_oldest);
      continue;
    }
    if (!rows) return from_postgres(rows.error());
    if (rows->empty()) break;
    for (const ChangeRow& row : *rows) {
      after = row.version;
      if (row.version > upto) break;
      for (const std::string& posts : posts_of(row.ops_json)) {
        if (ops.size() + posts.size() > kBatchBytes)
          if (const auto posted = post(ops); !posted) return posted.error();
        if (!ops.empty()) ops += ',';
        ops += posts;
      }
    }
  }
  return post(ops);
}

boost::system::result<bool, BrokerError> Snapshot::is_kept(storage::FeedPosition after) {
  const auto rows = feed_.changes_after(after, 1);
  if (rows) return true;
  if (rows.error().code == MetadataError::too_old) return false;
  return from_postgres(rows.error());
}

// The version after which all changes are kept and not in the node's log. There is no question for it, but
// for whether one is kept.
boost::system::result<std::uint64_t, BrokerError> Snapshot::oldest_kept(std::uint64_t upto) {
  std::uint64_t gone = seen_.version < upto ? seen_.version : 0;
  const auto seen = is_kept(gone == 0 ? storage::FeedPosition() : seen_);
  if (!seen) return seen.error();
  if (*seen) return gone;
  if (gone != 0) {
    // There is a change of this version, but it is another one: the node has seen none of these.
    const auto other = is_kept(gone);
    if (!other) return other.error();
    if (*other) {
      gone = 0;
      const auto all = is_kept(gone);
      if (!all) return all.error();
      if (*all) return gone;
    }
  }
  std::uint64_t kept = upto;
  while (kept - gone > 1) {
    const std::uint64_t middle = gone + (kept - gone) / 2;
    const auto there = is_kept(middle);
    if (!there) return there.error();
    (*there ? kept : gone) = middle;
  }
  return kept;
}

boost::system::result<void, BrokerError> Snapshot::post(std::string& ops) const {
  return post_events(talk_, std::exchange(ops, {}));
}

boost::system::result<void, BrokerError> post_events(const NodeTalk& talk, std::string_view ops) {
  if (ops.empty()) return {};
  const BrokerAnswer posted = talk.ask("post", R"("ops":[)" + std::string(ops) + "]");
  if (posted) return {};
  if (posted.error().code != "bad_payload") return posted.error();
  log(LogLevel::error, "a broker does not understand events; they are left out",
      {{"node", talk.node()}, {"reason", posted.error().message}});
  return {};
}

}  // namespace parley::bridge
