#include <map>
#include <mutex>

#include "storage/retained_bytes.h"
#include "storage/retained_store.h"

namespace parley::storage {
namespace {

class MemoryRetained final : public RetainedStore {
 public:
  RetainedResult<void> put(const RetainedMessage& message) override {
    if (message.topic.empty() || message.payload.empty()) return "not a retained message: it is empty";
    const std::lock_guard lock(mutex_);
    make_retained_value(message, values_[std::string(message.topic)]);
    return {};
  }
  RetainedResult<void> remove(std::string_view topic) override {
    const std::lock_guard lock(mutex_);
    if (const auto it = values_.find(topic); it != values_.end()) values_.erase(it);
    return {};
  }
  RetainedResult<void> load(const std::function<void(const RetainedMessage&)>& visit) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [topic, value] : values_) visit(*parse_retained(topic, value));
    return {};
  }
  RetainedResult<void> sync() override { return {}; }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace

std::unique_ptr<RetainedStore> make_memory_retained() { return std::make_unique<MemoryRetained>(); }

}  // namespace parley::storage
