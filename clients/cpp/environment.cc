#include "clients/cpp/environment.h"

#include <array>
#include <memory>
#include <random>

namespace parley::client {

Environment system_environment() {
  auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return Environment{
      [] { return std::chrono::steady_clock::now(); },
      [] {
        return std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
      },
      [engine] { return std::uniform_real_distribution<double>(0, 1)(*engine); },
  };
}

std::string make_uuid() {
  // random_device reads the kernel's generator here; a UUID must not repeat on another device.
  std::random_device source;
  std::array<unsigned char, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    const std::uint32_t word = source();
    for (std::size_t j = 0; j < 4; ++j) bytes[i + j] = static_cast<unsigned char>(word >> (8 * j));
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);  // variant 10
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 0xf];
  }
  return out;
}

}  // namespace parley::client
