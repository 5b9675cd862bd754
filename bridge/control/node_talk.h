// One node's side of the conversation: asks, and waits for the answer as long as this process leads.
#ifndef PARLEY_BRIDGE_CONTROL_NODE_TALK_H_
#define PARLEY_BRIDGE_CONTROL_NODE_TALK_H_

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "bridge/broker_link.h"
#include "bridge/control/leadership.h"

namespace parley::bridge {

class NodeTalk {
 public:
  NodeTalk(BrokerLink& link, std::shared_ptr<Leadership> leadership, std::size_t node)
      : link_(link), leadership_(std::move(leadership)), node_(node) {}

  static constexpr std::chrono::milliseconds kPatience{10'000};
  // Blocks for the answer; `unavailable` and not answered when this process is to stop, or leads no longer.
  BrokerAnswer ask(std::string_view cmd, std::string_view fields,
                   std::chrono::milliseconds patience = kPatience) const {
    return wait(begin(cmd, fields, patience));
  }

  // The same in two steps, for several requests at a time; they arrive in the order in which they were begun.
  struct Waiting;
  using Begun = std::shared_ptr<Waiting>;
  Begun begin(std::string_view cmd, std::string_view fields,
              std::chrono::milliseconds patience = kPatience) const;
  BrokerAnswer wait(const Begun& begun) const;
  bool connected() const { return link_.connected(node_); }
  Leadership& leadership() const { return *leadership_; }
  std::size_t node() const { return node_; }

 private:
  BrokerLink& link_;
  std::shared_ptr<Leadership> leadership_;
  const std::size_t node_;
};

}  // namespace parley::bridge

#endif
