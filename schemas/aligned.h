// Internal to schemas: FlatBuffers are read in place, which needs them to begin at a multiple of eight; bytes
// from the network or from the log begin anywhere.
#ifndef PARLEY_SCHEMAS_ALIGNED_H_
#define PARLEY_SCHEMAS_ALIGNED_H_

#include <cstdint>
#include <cstring>
#include <vector>

#include "schemas/message.h"

namespace parley {

inline constexpr std::size_t kFlatbufferAlignment = 8;

// Holds the copy when one is needed, and keeps its memory for the next.
class AlignedBytes {
 public:
  Bytes of(Bytes bytes) {
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kFlatbufferAlignment == 0) return bytes;
    words_.resize((bytes.size() + 7) / 8);
    std::memcpy(words_.data(), bytes.data(), bytes.size());
    return {reinterpret_cast<const std::uint8_t*>(words_.data()), bytes.size()};
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace parley

#endif
