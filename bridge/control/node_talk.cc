#include "bridge/control/node_talk.h"

#include <mutex>
#include <optional>

namespace parley::bridge {

struct NodeTalk::Waiting {
  std::mutex mutex;
  std::optional<BrokerAnswer> answer;  // guarded by mutex
};

NodeTalk::Begun NodeTalk::begin(std::string_view cmd, std::string_view fields,
                                std::chrono::milliseconds patience) const {
  auto waiting = std::make_shared<Waiting>();
  link_.request(node_, cmd, fields, std::chrono::steady_clock::now() + patience,
                [waiting, leadership = leadership_](BrokerAnswer answer) {
                  {
                    const std::lock_guard lock(waiting->mutex);
                    waiting->answer = std::move(answer);
                  }
                  leadership->poke();
                });
  return waiting;
}

BrokerAnswer NodeTalk::wait(const Begun& begun) const {
  while (true) {
    const std::uint64_t moment = leadership_->moment();
    {
      const std::lock_guard lock(begun->mutex);
      if (begun->answer) return *std::move(begun->answer);
    }
    if (!leadership_->leads()) return BrokerError("unavailable", "another bridge feeds the nodes now");
    leadership_->wait_since(moment, std::chrono::seconds(1));
  }
}

}  // namespace parley::bridge
