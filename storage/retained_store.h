// The retained messages of topics beside chat, kept over the end of the broker's process. The broker has them
// in memory; here is what it is given back at its start.
//
// One thread writes (the broker's); sync() may run on another. What put() and remove() were given survives
// the end of the process when they return (it is in the write-ahead log), and a power failure after sync().
#ifndef PARLEY_STORAGE_RETAINED_STORE_H_
#define PARLEY_STORAGE_RETAINED_STORE_H_

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace parley::storage {

template <class T>
using RetainedResult = boost::system::result<T, std::string>;

struct RetainedMessage {
  std::string_view topic;
  std::string_view payload;     // never empty: an empty one means that there is none
  std::string_view properties;  // MQTT 5, encoded, without their length
  std::string_view owner;       // the user who published it; empty for nobody's
  std::uint8_t qos = 0;
  std::int64_t expires_s = 0;  // seconds since 1970; 0: never
};

class RetainedStore {
 public:
  virtual ~RetainedStore() = default;

  // Replaces what the topic has. Refuses, and leaves it as it was, when the disk does.
  virtual RetainedResult<void> put(const RetainedMessage& message) = 0;
  virtual RetainedResult<void> remove(std::string_view topic) = 0;  // fine when there is none
  // All of them, by topic. The views are good during the call.
  virtual RetainedResult<void> load(const std::function<void(const RetainedMessage&)>& visit) = 0;
  virtual RetainedResult<void> sync() = 0;
};

struct RocksRetainedOptions {
  std::filesystem::path path;
  std::size_t memory_budget_bytes = 8u << 20;
  std::uint64_t reserve_bytes = 0;  // with less free disk space than this, put() refuses
  // Told, while it opens, what a power loss had left to be put right.
  std::function<void(std::string_view)> notice = {};
};
RetainedResult<std::unique_ptr<RetainedStore>> open_rocks_retained(const RocksRetainedOptions& options);
std::unique_ptr<RetainedStore> make_memory_retained();  // for tests

}  // namespace parley::storage

#endif
