#include "bridge/control/node_talk.h"

#include <mutex>
#include <optional>

namespace parley::bridge {

BrokerAnswer NodeTalk::ask(std::string_view cmd, std::string_view fields,
                           std::chrono::milliseconds patience) const {
  struct Waiting {
    std::mutex mutex;
    std::optional<BrokerAnswer> answer;  // guarded by mutex
  };
  auto waiting = std::make_shared<Waiting>();
  link_.request(node_, cmd, fields, std::chrono::steady_clock::now() + patience,
                [waiting, leadership = leadership_](BrokerAnswer answer) {
                  {
                    const std::lock_guard lock(waiting->mutex);
                    waiting->answer = std::move(answer);
                  }
                  leadership->poke();
                });
  while (true) {
    const std::uint64_t moment = leadership_->moment();
    {
      const std::lock_guard lock(waiting->mutex);
      if (waiting->answer) return *std::move(waiting->answer);
    }
    if (!leadership_->leads()) return BrokerError("unavailable", "another bridge feeds the nodes now");
    leadership_->wait_since(moment, std::chrono::seconds(1));
  }
}

}  // namespace parley::bridge
