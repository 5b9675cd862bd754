#include "tests/chaos/checker.h"

#include <map>
#include <unordered_map>

namespace parley::test {
namespace {

std::string name(const Seen& e) {
  return e.room + "/" + std::to_string(e.seq) + " (prev " + std::to_string(e.prev) + ", id " +
         std::to_string(e.id) + ", " + e.from + " " + e.cid + ")";
}

class Checker {
 public:
  Checker(std::span<const Seen> log, std::size_t limit) : log_(log), limit_(limit) {}

  void check_log() {
    std::map<std::string, std::uint64_t> last;  // by room
    std::uint64_t last_id = 0;
    for (std::size_t i = 0; i < log_.size(); ++i) {
      const Seen& e = log_[i];
      std::uint64_t& prev = last[e.room];
      if (e.prev != prev) fault("broken chain: " + name(e) + " follows seq " + std::to_string(prev));
      if (e.seq <= prev) fault("seq does not rise: " + name(e) + " after " + std::to_string(prev));
      if (e.id <= last_id) fault("id does not rise: " + name(e) + " after " + std::to_string(last_id));
      if (e.text != text_for(e.cid)) fault("changed text: " + name(e));
      prev = e.seq;
      last_id = e.id;
      by_seq_[e.room].emplace(e.seq, i);
      if (!by_cid_.emplace(e.room + "\n" + e.from + "\n" + e.cid, i).second)
        fault("stored twice: " + name(e));
    }
  }

  void check_publisher(const PublisherRecord& record, Loss loss) {
    const auto find = [&](const std::string& cid) {
      return by_cid_.find(record.room + "\n" + record.user + "\n" + cid);
    };
    if (loss == Loss::nothing) {
      for (const auto& cid : record.acked) {
        if (find(cid) == by_cid_.end())
          fault("lost though acknowledged: " + record.room + " " + record.user + " " + cid);
      }
    }
    if (record.refused) return;
    std::size_t before = 0;
    for (const auto& cid : record.sent) {
      const auto found = find(cid);
      if (found == by_cid_.end()) continue;
      if (found->second < before) fault("out of its sender's order: " + name(log_[found->second]));
      before = found->second;
    }
  }

  void check_reader(const ReaderRecord& record) {
    const auto& room = by_seq_[record.room];
    for (const auto& connection : record.connections) {
      std::uint64_t last = 0;
      for (const Seen& e : connection) {
        const auto found = room.find(e.seq);
        if (found == room.end()) {
          fault("seen and then lost: " + name(e));
        } else if (log_[found->second] != e) {
          fault("seen as " + name(e) + ", in the log as " + name(log_[found->second]));
        }
        if (e.seq <= last) fault("out of order for a reader: " + name(e) + " after " + std::to_string(last));
        last = e.seq;
      }
    }
  }

  std::vector<std::string> faults;

 private:
  void fault(std::string text) {
    if (faults.size() < limit_) faults.push_back(std::move(text));
  }
  std::span<const Seen> log_;
  std::size_t limit_;
  std::map<std::string, std::unordered_map<std::uint64_t, std::size_t>>
      by_seq_;  // room -> seq -> place in log_
  std::unordered_map<std::string, std::size_t> by_cid_;
};

}  // namespace

std::vector<std::string> check(std::span<const Seen> log, std::span<const PublisherRecord> publishers,
                               std::span<const ReaderRecord> readers, Loss loss, std::size_t limit) {
  Checker checker(log, limit);
  checker.check_log();
  for (const auto& record : publishers) checker.check_publisher(record, loss);
  for (const auto& record : readers) checker.check_reader(record);
  return std::move(checker.faults);
}

}  // namespace parley::test
