// What a power loss makes of a file.
#ifndef PARLEY_STORAGE_TESTING_TORN_FILE_H_
#define PARLEY_STORAGE_TESTING_TORN_FILE_H_

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace parley::storage {

// The pieces a disk writes at once or not at all: sectors, and the pages of a file system.
inline constexpr std::uint64_t kSector = 512;
inline constexpr std::uint64_t kPage = 4096;

enum class Stale : std::uint8_t { zeros, garbage };

// In `path`, puts something else in place of the bytes [from, to).
inline void overwrite(const std::filesystem::path& path, std::uint64_t from, std::uint64_t to, Stale with,
                      std::mt19937_64& random) {
  std::string bytes(to - from, '\0');
  if (with == Stale::garbage)
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(from));
  file << bytes;
}

// The first `synced` bytes of `path` are on the disk; what is behind them was written and not synced. Leaves
// one of the things that may be there after a power loss: the file's length is on the disk or is not, and so
// is each sector or page, independently of the others; in the place of one that is not there are zeros
// (delayed allocation), or whatever the disk had there before.
inline void tear(const std::filesystem::path& path, std::uint64_t synced, std::mt19937_64& random) {
  const auto upto = [&](std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>(0, n)(random);
  };
  const std::uint64_t size = std::filesystem::file_size(path);
  if (synced >= size) return;
  const std::uint64_t kept = upto(4) == 0 ? synced : upto(1) == 0 ? size : synced + upto(size - synced);
  std::filesystem::resize_file(path, kept);
  if (upto(3) == 0) return;  // all of it up to there
  const std::uint64_t piece = upto(1) == 0 ? kSector : kPage;
  const Stale stale = upto(1) == 0 ? Stale::garbage : Stale::zeros;
  const std::uint64_t lost_in_four = upto(3) + 1;
  for (std::uint64_t begin = synced / piece * piece; begin < kept; begin += piece) {
    if (upto(3) < lost_in_four)
      overwrite(path, std::max(begin, synced), std::min(begin + piece, kept), stale, random);
  }
}

}  // namespace parley::storage

#endif
