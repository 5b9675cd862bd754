// Messages in memory and their bytes: Send (what a client publishes), Event (what is stored and delivered),
// Frame (events of one room in one PUBLISH), in FlatBuffers and JSON, both ways.
//
// Decoders and builders keep their buffers between calls, so that the steady state allocates nothing; one
// object belongs to one thread. Views in a result live until the next call on the same object, and as long as
// the payload they were decoded from.
#ifndef PARLEY_SCHEMAS_MESSAGE_H_
#define PARLEY_SCHEMAS_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/errors.h"
#include "schemas/ids.h"

namespace parley {

using Bytes = std::span<const std::uint8_t>;

// Values are those of schemas/types.fbs.
enum class Kind : std::uint8_t {
  text = 0,
  image = 1,
  file = 2,
  audio = 3,
  video = 4,
  location = 5,
  custom = 6,
  encrypted = 7,
  // Operations on `target`.
  edit = 16,
  del = 17,
  react = 18,
  unreact = 19,
  pin = 20,
  unpin = 21,
  // Made by the server only.
  join = 32,
  leave = 33,
  role = 34,
  room = 35,
  system = 36,
};
std::string_view to_string(Kind kind);  // del is spelled "delete"
std::optional<Kind> parse_kind(std::string_view text);
// A kind of a later version, met when reading. Never sent.
inline constexpr Kind kUnknownKind = static_cast<Kind>(255);
constexpr bool is_operation(Kind k) { return k >= Kind::edit && k <= Kind::unpin; }
constexpr bool is_server_made(Kind k) { return k >= Kind::join; }

enum class MemberRole : std::uint8_t { none = 0, guest = 1, member = 2, admin = 3, owner = 4 };
std::string_view to_string(MemberRole role);  // none is ""
std::optional<MemberRole> parse_member_role(std::string_view text);

struct Attachment {
  std::string_view id;
  std::string_view name;
  std::string_view type;
  std::uint64_t size = 0;  // bytes
};

struct Send {
  std::string_view cid;  // empty: none
  Kind kind = Kind::text;
  std::string_view body;
  MessageId reply_to{0};
  std::span<const std::string_view> mentions;
  std::span<const Attachment> attachments;
  std::string_view meta;           // text of a JSON object; empty: none
  std::uint32_t expires_in_s = 0;  // 0: never
  MessageId target{0};
  std::string_view emoji;  // one in its qualified form (text/emoji.h); events from before may hold anything
};

// What the server adds to a Send to make it an Event.
struct Stamp {
  std::string_view room;
  Seq seq{0};
  Seq prev{0};
  MessageId id{0};
  std::string_view from;
  std::string_view device;
  MemberRole role = MemberRole::none;
  std::uint64_t ts_ms = 0;  // since the Unix epoch
};

struct Event {
  Stamp stamp;
  Send send;
};

// Limits of protocol.md, "Sending".
struct MessageLimits {
  std::size_t payload_bytes = std::size_t{256} * 1024;
  std::size_t body_characters = 100'000;  // Unicode code points
  std::size_t attachments = 20;
  std::size_t mentions = 50;
  std::size_t meta_bytes = std::size_t{16} * 1024;  // of its compact text
};

// Tells the three forms of a payload apart, parses and validates (UTF-8, limits, what each kind needs:
// operations a target, react one emoji, which it qualifies, text a body, custom a meta.type; server-made
// kinds are refused). Refuses with bad_payload or too_large and a message that names the field. When it
// refuses, cid() still tells the cid if one could be read.
class SendDecoder {
 public:
  explicit SendDecoder(MessageLimits limits = {});
  ~SendDecoder();
  Result<Send> decode(Bytes payload);
  std::string_view cid() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class EventBuilder {
 public:
  EventBuilder();
  ~EventBuilder();
  Bytes build(const Stamp& stamp, const Send& send);  // valid until the next build

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class FrameBuilder {
 public:
  FrameBuilder();
  ~FrameBuilder();
  // `events` are stored event bytes, in order.
  Bytes build(std::string_view room, std::span<const Bytes> events);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A follower's page (schemas/log_page.fbs).
struct LogEntry {
  std::uint64_t offset = 0;
  Bytes event;
};
class LogPageBuilder {
 public:
  LogPageBuilder();
  ~LogPageBuilder();
  Bytes build(std::uint16_t node, std::uint64_t prev_offset, std::span<const LogEntry> records);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Readers of bytes that come from outside: verified before a field is touched; nothing when they are not
// valid. The reader's Event points into `bytes` and into the reader.
class EventReader {
 public:
  EventReader();
  ~EventReader();
  std::optional<Event> read(Bytes bytes);
  // The same from one JSON object as on rooms/{room}/messages/json.
  std::optional<Event> read_json(std::string_view json);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
struct FrameView {
  std::string_view room;
  std::vector<Bytes> events;
};
std::optional<FrameView> read_frame(Bytes bytes);
struct LogPageView {
  std::uint16_t node = 0;
  std::uint64_t prev_offset = 0;
  std::vector<LogEntry> records;
};
std::optional<LogPageView> read_log_page(Bytes bytes);

// Appends the event as one JSON object (no newline): fields of protocol.md; ids as decimal strings, empty
// optional fields left out. `event_bytes` must be bytes that EventBuilder made (it is not verified again).
void append_event_json(Bytes event_bytes, std::string& out);

// What a client sends.
std::string send_to_json(const Send& send);
std::vector<std::uint8_t> send_to_flatbuffer(const Send& send);

}  // namespace parley

#endif
