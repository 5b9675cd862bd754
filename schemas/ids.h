// Names and numbers that identify things. Views point into memory of the caller; nothing here allocates but
// what returns std::string. All functions are pure and may be called from any thread.
#ifndef PARLEY_SCHEMAS_IDS_H_
#define PARLEY_SCHEMAS_IDS_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

// Forms of protocol.md, "Names".
bool is_user_name(std::string_view text);    // [a-z0-9][a-z0-9_.-]{1,31}
bool is_device_name(std::string_view text);  // [A-Za-z0-9_-]{1,64}
bool is_room_name(std::string_view text);    // [a-z0-9][a-z0-9_-]{1,63}
bool is_cid(std::string_view text);  // 1 to 64 characters of valid UTF-8, none of them a control character

// A name that has been checked. Two kinds of name never mix in a signature.
template <class Tag>
class Name {
 public:
  static std::optional<Name> parse(std::string_view text) {
    if (!Tag::valid(text)) return std::nullopt;
    return Name(std::string(text));
  }
  const std::string& str() const { return text_; }
  std::string_view view() const { return text_; }
  auto operator<=>(const Name&) const = default;

 private:
  explicit Name(std::string text) : text_(std::move(text)) {}
  std::string text_;
};
struct UserTag {
  static bool valid(std::string_view t) { return is_user_name(t); }
};
struct DeviceTag {
  static bool valid(std::string_view t) { return is_device_name(t); }
};
struct RoomTag {
  static bool valid(std::string_view t) { return is_room_name(t); }
};
using UserName = Name<UserTag>;
using DeviceName = Name<DeviceTag>;
using RoomName = Name<RoomTag>;

// A message's id: Snowflake (snowflake.h). Zero means none.
enum class MessageId : std::uint64_t {};
// A place in a room's order: 10 bits epoch, 43 bits counter. Zero means "before the first".
enum class Seq : std::uint64_t {};
inline constexpr std::uint64_t kSeqLimit = std::uint64_t{1} << 53;
inline constexpr int kSeqCounterBits = 43;

constexpr std::uint64_t raw(MessageId id) { return static_cast<std::uint64_t>(id); }
constexpr std::uint64_t raw(Seq seq) { return static_cast<std::uint64_t>(seq); }

// Decimal, as in JSON. Refuses signs, spaces, leading zeros and what does not fit.
std::optional<MessageId> parse_message_id(std::string_view text);

// The two parts of `{user}:{device}`; nothing when the client id is not of that form.
struct ClientId {
  std::string_view user;
  std::string_view device;
};
std::optional<ClientId> parse_client_id(std::string_view text);

}  // namespace parley

#endif
