#include "tests/bench/payload.h"

#include <charconv>
#include <cstdio>
#include <stdexcept>

#include "schemas/message.h"

namespace parley::bench {
namespace {

constexpr std::size_t kBodyBytes = 100;
constexpr std::size_t kTimeDigits = 19;
constexpr std::size_t kNumberDigits = 10;
// Placeholders, found again in the encoded packet.
const std::string kTimeHole(kTimeDigits, '@');
const std::string kNumberHole(kNumberDigits, '!');

void put_digits(char* at, std::size_t digits, std::uint64_t value) {
  for (std::size_t i = digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

template <class Number>
bool take_number(std::string_view text, std::size_t at, std::size_t digits, Number& value) {
  const char* begin = text.data() + at;
  auto [end, error] = std::from_chars(begin, begin + digits, value);
  return error == std::errc() && end == begin + digits;
}

std::string four_digits(int value) {
  char text[16];
  std::snprintf(text, sizeof text, "%04d", value);
  return text;
}

}  // namespace

std::optional<BodyMark> parse_body(std::string_view body) {
  BodyMark mark;
  if (body.size() != kBodyBytes || !body.starts_with("t=") || body.substr(21, 3) != " p=" ||
      body.substr(28, 3) != " n=" || !take_number(body, 2, kTimeDigits, mark.sent_ns) ||
      !take_number(body, 24, 4, mark.publisher) || !take_number(body, 31, kNumberDigits, mark.number)) {
    return std::nullopt;
  }
  return mark;
}

Stamper::Stamper(mqtt::Version version, std::string_view topic, bool parley, int room, int publisher) {
  std::string body = "t=" + kTimeHole + " p=" + four_digits(publisher) + " n=" + kNumberHole + " ";
  while (body.size() < kBodyBytes) body.push_back(static_cast<char>('a' + body.size() % 26));
  std::string payload = body;
  if (parley) {
    const std::string cid = "c" + four_digits(room) + "-" + four_digits(publisher) + "-" + kNumberHole;
    Send send;
    send.cid = cid;
    send.body = body;
    const auto bytes = send_to_flatbuffer(send);
    payload.assign(bytes.begin(), bytes.end());
  }
  if (!mqtt::append_publish(packet_, version,
                            {.topic = topic, .payload = payload, .qos = 1, .packet_id = 1})) {
    throw std::runtime_error("a PUBLISH packet would be too large");
  }
  id_at_ = packet_.find(topic) + topic.size();
  time_at_ = packet_.find(kTimeHole);
  for (auto at = packet_.find(kNumberHole); at != std::string::npos; at = packet_.find(kNumberHole, at + 1)) {
    number_at_.push_back(at);
  }
}

void Stamper::append(std::string& out, std::uint64_t number, std::uint64_t now_ns) const {
  const std::size_t begin = out.size();
  out.append(packet_);
  char* packet = out.data() + begin;
  const std::uint16_t id = packet_id(number);
  packet[id_at_] = static_cast<char>(id >> 8);
  packet[id_at_ + 1] = static_cast<char>(id & 0xff);
  put_digits(packet + time_at_, kTimeDigits, now_ns);
  for (std::size_t at : number_at_) put_digits(packet + at, kNumberDigits, number);
}

}  // namespace parley::bench
