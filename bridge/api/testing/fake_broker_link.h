// A broker in memory for tests of handlers: keeps what was sent, numbers it, answers the control commands
// that handlers use. Thread-safe.
#ifndef PARLEY_BRIDGE_API_TESTING_FAKE_BROKER_LINK_H_
#define PARLEY_BRIDGE_API_TESTING_FAKE_BROKER_LINK_H_

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "bridge/broker_link.h"

namespace parley::bridge {

class FakeBrokerLink : public BrokerLink {
 public:
  struct Message {
    SendAs who;
    std::string room;
    std::string payload;
  };

  FakeBrokerLink() : addresses_{NodeAddress{}} {}

  // From now on requests are refused so; an empty code ends that. "unavailable" plays a node that is away.
  void refuse_with(std::string code, std::string message = "as the test wants");
  // The next `times` sends are refused so, then all is well.
  void refuse_next(int times, std::string code);
  // From now on sends are answered by release() only, as not answered in time.
  void hang();
  void release();
  void set_tail(std::string room, std::uint64_t seq);
  void connect_client(std::string client);
  std::vector<Message> sent() const;

  std::size_t nodes() const override { return addresses_.size(); }
  const NodeAddress& address(std::size_t node) const override { return addresses_[node]; }
  bool connected(std::size_t node) const override;
  void on_change(std::function<void(std::size_t, bool)>) override {}
  void start() override {}
  void stop() override {}
  void request(std::size_t node, std::string_view cmd, std::string_view fields, Deadline deadline,
               OnAnswer done) override;

 private:
  BrokerAnswer answer(std::string_view cmd, std::string_view fields);
  BrokerAnswer answer_send(std::string_view fields);

  mutable std::mutex mutex_;
  std::vector<NodeAddress> addresses_;
  std::string refusal_;
  std::string refusal_message_;
  std::string next_refusal_;
  int next_refusals_ = 0;
  bool hangs_ = false;
  std::vector<OnAnswer> hanging_;
  std::map<std::string, std::uint64_t, std::less<>> tails_;
  std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> places_;  // room, user, cid
  std::set<std::string, std::less<>> clients_;
  std::vector<Message> sent_;
};

}  // namespace parley::bridge

#endif
