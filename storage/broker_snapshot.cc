#include "storage/broker_snapshot.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "schemas/token.h"

namespace parley::storage {
namespace {

using Error = std::string;

// persist.h of Mosquitto 2.0. A file is magic, a checksum nobody computes, the version, and chunks: kind and
// length (both big endian), then a fixed part as the structure lies in memory, padding and all, and the texts
// that it gives the lengths of. Numbers are big endian but those of 64 bits, which are this machine's.
constexpr std::string_view kMagic("\x00\xB5\x00mosquitto db", 15);
constexpr std::uint32_t kVersion = 6;
enum Chunk : std::uint32_t {
  kCfg = 1,
  kMessage = 2,
  kClientMessage = 3,
  kRetain = 4,
  kSubscription = 5,
  kClient = 6
};
constexpr std::size_t kCfgFixed = 16, kMessageFixed = 32, kClientMessageFixed = 16, kRetainFixed = 8,
                      kSubscriptionFixed = 12, kClientFixed = 24;

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool at_end() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }
  bool failed() const { return failed_; }

  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(big(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big(4)); }
  std::uint64_t native64() {
    std::uint64_t value = 0;
    const std::string_view raw = take(sizeof value);
    if (!failed_) std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }

 private:
  std::uint64_t big(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string_view bytes_;
  bool failed_ = false;
};

// The length that stands before the properties of a message, taken off; nothing when it is not theirs.
std::optional<std::string_view> without_length(std::string_view section) {
  if (section.empty()) return section;
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4 && i < section.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(section[i]);
    length |= std::size_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80) != 0) continue;
    section.remove_prefix(i + 1);
    if (length != section.size()) return std::nullopt;
    return section;
  }
  return std::nullopt;
}

class Parser {
 public:
  boost::system::result<BrokerSnapshot, Error> parse(std::string_view bytes) {
    Reader file(bytes);
    if (file.take(kMagic.size()) != kMagic) return Error("it is no persistence file of Mosquitto");
    file.u32();
    if (const std::uint32_t version = file.u32(); file.failed() || version != kVersion)
      return Error("its format is not 6, the one of Mosquitto 2.0");
    while (!file.at_end()) {
      const std::uint32_t kind = file.u32();
      const std::uint32_t length = file.u32();
      Reader chunk(file.take(length));
      if (file.failed()) return Error("it is cut short");
      if (!read(kind, chunk) || chunk.failed() || !chunk.at_end()) return Error("a chunk in it is damaged");
    }
    if (!seen_cfg_) return Error("its first chunk is missing");
    for (const std::uint64_t id : retained_) {
      const auto message = messages_.find(id);
      if (message == messages_.end()) return Error("a retained message in it has no text");
      out_.retained.push_back(message->second);
    }
    return std::move(out_);
  }

 private:
  bool read(std::uint32_t kind, Reader& chunk) {
    switch (kind) {
      case kCfg:
        seen_cfg_ = true;
        chunk.take(8 + 1);
        return chunk.u8() == 8 && chunk.take(kCfgFixed - 10).size() == kCfgFixed - 10;
      case kMessage:
        return read_message(chunk);
      case kClientMessage: {
        const std::uint64_t message = chunk.native64();
        chunk.u16();
        const std::uint16_t id = chunk.u16();
        chunk.take(kClientMessageFixed - 12 + id);
        return messages_.contains(message) && without_length(chunk.take(chunk.size())).has_value();
      }
      case kRetain:
        retained_.push_back(chunk.native64());
        return true;
      case kSubscription: {
        chunk.u32();
        const std::uint16_t id = chunk.u16();
        const std::uint16_t filter = chunk.u16();
        chunk.take(kSubscriptionFixed - 8);
        const std::string_view client = chunk.take(id);
        out_.subscriptions.push_back({std::string(client), std::string(chunk.take(filter))});
        return id != 0 && filter != 0;
      }
      case kClient: {
        chunk.take(8 + 4 + 2);
        const std::uint16_t id = chunk.u16();
        chunk.u16();
        const std::uint16_t username = chunk.u16();
        chunk.take(kClientFixed - 20);
        const std::string_view client = chunk.take(id);
        out_.clients.push_back({std::string(client), std::string(chunk.take(username))});
        return id != 0;
      }
      default:
        return false;
    }
  }

  bool read_message(Reader& chunk) {
    BrokerSnapshot::Retained message;
    const std::uint64_t id = chunk.native64();
    message.expires_s = static_cast<std::int64_t>(chunk.native64());
    const std::uint32_t payload = chunk.u32();
    chunk.u16();
    const std::uint16_t source = chunk.u16();
    const std::uint16_t username = chunk.u16();
    const std::uint16_t topic = chunk.u16();
    chunk.u16();
    message.qos = chunk.u8();
    const bool retain = chunk.u8() != 0;
    chunk.take(source);
    message.username = chunk.take(username);
    message.topic = chunk.take(topic);
    const std::string_view bytes = chunk.take(payload);
    const auto properties = without_length(chunk.take(chunk.size()));
    if (!properties || topic == 0 || message.qos > 2 || message.expires_s < 0) return false;
    if (retain) {  // else it is in queues alone, and nobody here asks what it says
      message.payload = bytes;
      message.properties = *properties;
    }
    messages_.insert_or_assign(id, std::move(message));
    return true;
  }

  BrokerSnapshot out_;
  bool seen_cfg_ = false;
  std::unordered_map<std::uint64_t, BrokerSnapshot::Retained> messages_;
  std::vector<std::uint64_t> retained_;
};
static_assert(kMessageFixed == 8 + 8 + 4 + 5 * 2 + 2 && kRetainFixed == 8);

// A file of any size, as memory.
class Mapped {
 public:
  explicit Mapped(const std::filesystem::path& file) {
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info {};
    if (fd < 0 || fstat(fd, &info) != 0) {
      error_ = std::strerror(errno);
    } else if (info.st_size > 0) {
      size_ = static_cast<std::size_t>(info.st_size);
      bytes_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
      if (bytes_ == MAP_FAILED) error_ = std::strerror(errno);
    }
    if (fd >= 0) close(fd);
  }
  ~Mapped() {
    if (size_ > 0 && bytes_ != MAP_FAILED) munmap(bytes_, size_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  const std::string& error() const { return error_; }
  std::string_view view() const { return {static_cast<const char*>(bytes_), size_}; }

 private:
  void* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::string error_;
};

std::filesystem::path seal_of(const std::filesystem::path& file) { return file.string() + ".sha256"; }

}  // namespace

boost::system::result<BrokerSnapshot, std::string> parse_broker_snapshot(std::string_view bytes) {
  return Parser().parse(bytes);
}

boost::system::result<BrokerSnapshot, std::string> read_broker_snapshot(const std::filesystem::path& file) {
  const Mapped mapped(file);
  if (!mapped.error().empty()) return file.string() + " cannot be read: " + mapped.error();
  auto snapshot = parse_broker_snapshot(mapped.view());
  if (!snapshot) return file.string() + ": " + snapshot.error();
  return snapshot;
}

boost::system::result<void, std::string> seal_broker_snapshot(const std::filesystem::path& file) {
  const Mapped mapped(file);
  if (!mapped.error().empty()) return file.string() + " cannot be read: " + mapped.error();
  const std::string line = to_hex(sha256(mapped.view())) + "  " + file.filename().string() + "\n";
  const std::filesystem::path seal = seal_of(file);
  const int fd = open(seal.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written =
      fd >= 0 && write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && fsync(fd) == 0;
  const std::string why = written ? "" : std::strerror(errno);
  if (fd >= 0) close(fd);
  if (!written) return seal.string() + " cannot be written: " + why;
  return {};
}

void remove_broker_snapshot(const std::filesystem::path& file) {
  std::error_code ignored;
  std::filesystem::remove(seal_of(file), ignored);
  std::filesystem::remove(file, ignored);
}

}  // namespace parley::storage
