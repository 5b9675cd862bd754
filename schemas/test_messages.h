// For tests: messages that own their text, at random or by hand, and a comparison that names what differs.
#ifndef PARLEY_SCHEMAS_TEST_MESSAGES_H_
#define PARLEY_SCHEMAS_TEST_MESSAGES_H_

#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/message.h"

namespace parley::testing {

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The bytes at an address that is `shift` past a multiple of eight.
class Shifted {
 public:
  Shifted(Bytes bytes, std::size_t shift) : words_((bytes.size() + shift + 7) / 8 + 1) {
    auto* begin = reinterpret_cast<std::uint8_t*>(words_.data()) + shift;
    std::copy(bytes.begin(), bytes.end(), begin);
    bytes_ = {begin, bytes.size()};
  }
  Bytes bytes() const { return bytes_; }

 private:
  std::vector<std::uint64_t> words_;
  Bytes bytes_;
};

// Every field as text, so that a test's failure shows where two differ.
inline std::string describe(const Send& send) {
  std::string out = "cid=" + std::string(send.cid) + " kind=" + std::string(to_string(send.kind)) +
                    " body=" + std::string(send.body) + " reply_to=" + std::to_string(raw(send.reply_to));
  for (const std::string_view name : send.mentions) out.append(" @").append(name);
  for (const Attachment& a : send.attachments) {
    out.append(" [").append(a.id).append("|").append(a.name).append("|").append(a.type).append("|");
    out.append(std::to_string(a.size)).append("]");
  }
  out.append(" meta=").append(send.meta).append(" expires=").append(std::to_string(send.expires_in_s));
  return out + " target=" + std::to_string(raw(send.target)) + " emoji=" + std::string(send.emoji);
}

inline std::string describe(const Event& event) {
  const Stamp& s = event.stamp;
  return "room=" + std::string(s.room) + " seq=" + std::to_string(raw(s.seq)) +
         " prev=" + std::to_string(raw(s.prev)) + " id=" + std::to_string(raw(s.id)) +
         " from=" + std::string(s.from) + " device=" + std::string(s.device) +
         " role=" + std::string(to_string(s.role)) + " ts=" + std::to_string(s.ts_ms) + " " +
         describe(event.send);
}

// Valid messages at random; the same seed gives the same ones. A message lives as long as its source.
class RandomMessages {
 public:
  explicit RandomMessages(unsigned seed) : random_(seed) {}

  Send send() {
    constexpr Kind kKinds[] = {Kind::text,   Kind::image,     Kind::file,  Kind::audio,  Kind::video,
                               Kind::custom, Kind::location,  Kind::edit,  Kind::del,    Kind::react,
                               Kind::pin,    Kind::encrypted, Kind::unpin, Kind::unreact};
    Send send;
    send.kind = kKinds[below(std::size(kKinds))];
    if (below(2) == 0) send.cid = keep(text(1, 64, true));
    send.body = keep(text(1, below(50) == 0 ? 3000 : 100, false));
    if (below(4) == 0) send.reply_to = MessageId{random_()};
    if (below(3) == 0) send.mentions = mentions();
    const bool file = send.kind >= Kind::image && send.kind <= Kind::video;
    if (file || below(4) == 0) send.attachments = attachments();
    if (send.kind == Kind::custom)
      send.meta = R"({"type":"poll","n":[1,2.50,-3e5,null,true,{"a":"\u0001\"\\"}]})";
    if (send.kind != Kind::custom && below(4) == 0) send.meta = R"({"k":"v","deep":{"list":[[],{}]}})";
    if (below(4) == 0) send.expires_in_s = 1 + below(100'000);
    if (is_operation(send.kind)) send.target = MessageId{random_() | 1};
    if (send.kind == Kind::react || send.kind == Kind::unreact)
      send.emoji = "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd";
    return send;
  }

  Stamp stamp() {
    Stamp stamp;
    stamp.room = keep("room-" + std::to_string(below(1000)));
    stamp.seq = Seq{1 + random_() % (kSeqLimit - 1)};
    stamp.prev = Seq{random_() % raw(stamp.seq)};
    stamp.id = MessageId{random_() | 1};
    stamp.from = keep("user." + std::to_string(below(1000)));
    stamp.device = keep("Device_" + std::to_string(below(1000)));
    stamp.role = static_cast<MemberRole>(below(5));
    stamp.ts_ms = 1'763'683'200'000 + below(1'000'000);
    return stamp;
  }

  std::uint32_t below(std::size_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

 private:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  std::string text(std::size_t least, std::size_t most, bool plain) {
    constexpr std::string_view kPieces[] = {
        "a", "b", " ",  "\"", "\\",   "/",    "é",           "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "{", "}", "\n", "\t", "\x01", "\x7f", "\xe2\x80\xa8"};
    const std::size_t length = least + below(most - least + 1);
    std::string out;
    for (std::size_t i = 0; i < length; ++i) out += kPieces[below(plain ? 11 : std::size(kPieces))];
    return out;
  }

  std::span<const std::string_view> mentions() {
    auto& list = mention_lists_.emplace_back();
    for (std::uint32_t i = 1 + below(5); i > 0; --i)
      list.push_back(keep("user." + std::to_string(i) + "-" + std::to_string(below(1000))));
    return list;
  }
  std::span<const Attachment> attachments() {
    auto& list = attachment_lists_.emplace_back();
    for (std::uint32_t i = 1 + below(3); i > 0; --i) {
      list.push_back({keep(text(1, 20, true)), keep(text(0, 20, true)), "image/jpeg", random_() % kSeqLimit});
    }
    return list;
  }

  std::mt19937_64 random_;
  std::deque<std::string> texts_;
  std::deque<std::vector<std::string_view>> mention_lists_;
  std::deque<std::vector<Attachment>> attachment_lists_;
};

}  // namespace parley::testing

#endif
