// People who chat while their broker dies under them, and what they remember of it.
//
// Every client runs on a thread of its own and keeps a record that only it writes; the records may be read
// after Load::finish(). Clients connect again whenever they lose their broker, until told to stop.
#ifndef PARLEY_TESTS_CHAOS_LOAD_H_
#define PARLEY_TESTS_CHAOS_LOAD_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/broker.h"
#include "tests/support/chat.h"
#include "tests/support/raw_client.h"

namespace parley::test {

// An event as seen by a reader, or found in the log. `text` is the body.
struct Seen {
  std::string room;
  std::uint64_t seq = 0;
  std::uint64_t prev = 0;
  std::uint64_t id = 0;
  std::string from;
  std::string cid;
  std::string text;
  bool operator==(const Seen&) const = default;
};
Seen seen_of(const json::object& event);

struct PublisherRecord {
  std::string user;
  std::string room;
  std::vector<std::string> sent;   // cids, in the order of first sending
  std::vector<std::string> acked;  // cids whose PUBACK came, with success
  bool refused = false;            // some were refused and sent again after later ones: no order to hold
};

struct ReaderRecord {
  std::string room;
  // What came, one list for each connection.
  std::vector<std::vector<Seen>> connections;
};

// The text a publisher gives the message with this cid: of varying length, and found out when changed.
std::string text_for(std::string_view cid);

struct LoadOptions {
  std::vector<std::string> rooms{"red", "green", "blue"};
  int publishers = 4;  // users p0, p1, ...: each in the room of its number, round robin
  int readers = 4;     // users r0, r1, ...; every other one reads with QoS 1
  int window = 32;     // messages a publisher has unacknowledged at once
};

class Load {
 public:
  Load(const Broker& broker, LoadOptions options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // The facts that let these people in.
  static std::vector<ControlOp> facts(const LoadOptions& options);

  // Waits until this many PUBACKs have come since the start; false at the deadline.
  bool wait_acked(std::uint64_t count, Deadline deadline) const;
  bool wait_seen(std::uint64_t count, Deadline deadline) const;
  std::uint64_t acked() const { return acked_.load(); }
  std::uint64_t seen() const { return seen_.load(); }

  // Sends nothing new, waits until every message sent is acknowledged, and ends all clients. False when some
  // were not by the deadline.
  bool finish(Deadline deadline);

  const std::vector<PublisherRecord>& publishers() const { return publisher_records_; }
  const std::vector<ReaderRecord>& readers() const { return reader_records_; }

 private:
  void publish_forever(PublisherRecord& record);
  void read_forever(ReaderRecord& record, const std::string& user, std::uint8_t qos);

  const Broker& broker_;
  const LoadOptions options_;
  std::vector<PublisherRecord> publisher_records_;
  std::vector<ReaderRecord> reader_records_;
  std::atomic<bool> stopping_{false};   // publishers: nothing new
  std::atomic<bool> abandoned_{false};  // publishers: end, acknowledged or not
  std::atomic<bool> readers_end_{false};
  std::atomic<int> publishing_{0};  // publishers that have not ended
  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> seen_{0};
  std::vector<std::thread> publisher_threads_;
  std::vector<std::thread> reader_threads_;
};

}  // namespace parley::test

#endif
