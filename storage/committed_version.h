// The version of the change that this thread has committed last, so that whoever asked for it can wait until
// the brokers have it too. Metadata sets it; what was committed before the last take() is of no interest.
#ifndef PARLEY_STORAGE_COMMITTED_VERSION_H_
#define PARLEY_STORAGE_COMMITTED_VERSION_H_

#include <cstdint>
#include <utility>

namespace parley::storage {

class CommittedVersion {
 public:
  static void set(std::uint64_t version) {
    if (version != 0) version_ = version;  // what brokers hear nothing of leaves the one before
  }
  // 0: nothing that brokers hear of was committed since the last take().
  static std::uint64_t take() { return std::exchange(version_, 0); }

 private:
  inline static thread_local std::uint64_t version_ = 0;
};

}  // namespace parley::storage

#endif
